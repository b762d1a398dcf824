//! Blocks made and lifted, by staff on the page or by the operator on the
//! command line: the same acts, the same entries in the audit.

use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
use imgshare_storage::blocks::{self, Block, BlockError};
use imgshare_storage::{Keyspace, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::http::address::AnonymizedIp;

const BLOCKED: Action = Action::new("network-blocked");
const UNBLOCKED: Action = Action::new("network-unblocked");

/// What can be done with blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum BlockCommand {
    /// Block a network, or an address.
    Add {
        /// Which.
        network: String,
        /// For how many days.
        days: u64,
        /// Why.
        reason: String,
    },
    /// Lift a block.
    Remove {
        /// Of which network.
        network: String,
    },
    /// Name all.
    List,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum BlockAnswer {
    /// All that are in force.
    Blocks {
        /// Sorted by address.
        blocks: Vec<Block>,
    },
    /// It is done.
    Done {
        /// To which network.
        network: String,
    },
}

/// Does it.
///
/// # Errors
/// [`BlockError`]; lifting what is not there is none.
pub fn obey(
    keys: &dyn Keyspace,
    actor: &Actor,
    now_ms: u64,
    command: &BlockCommand,
) -> Result<BlockAnswer, BlockError> {
    let network = match command {
        BlockCommand::List => {
            let blocks = blocks::list(keys, now_ms)?;
            return Ok(BlockAnswer::Blocks { blocks });
        }
        BlockCommand::Add { network, .. } | BlockCommand::Remove { network } => {
            blocks::parse(network)?
        }
    };
    audit::commit(keys, |changes| {
        let (action, before, after) = match command {
            BlockCommand::Add { days, reason, .. } => {
                let block = Block::new(network, reason, actor.name(), now_ms, *days)?;
                let before = blocks::plan_add(keys, changes, &block)?;
                (BLOCKED, before, Some(block))
            }
            _ => (
                UNBLOCKED,
                blocks::plan_remove(keys, changes, &network, now_ms)?,
                None,
            ),
        };
        if before.is_some() || after.is_some() {
            // What the audit keeps for ever is the network, never an address.
            let anonymized = AnonymizedIp::of(network.addr());
            let entry = Entry::new(now_ms, actor.clone(), action)
                .about(Subject::named("network", &anonymized.network()))
                .changed(said(before.as_ref()), said(after.as_ref()));
            audit::append(keys, changes, entry)?;
        }
        Ok::<_, BlockError>(())
    })?;
    Ok(BlockAnswer::Done {
        network: network.to_string(),
    })
}

fn said(block: Option<&Block>) -> Value {
    block.map_or(Value::Null, |block| {
        json!({
            "prefix": block.network.prefix_len(),
            "until": clock::rfc3339(block.until_ms),
        })
    })
}

/// What the store says is the store's, the rest is the caller's.
pub(crate) fn apart<T>(done: Result<T, BlockError>) -> Result<Result<T, String>, StorageError> {
    match done {
        Err(BlockError::Storage(error)) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
        Ok(value) => Ok(Ok(value)),
    }
}

#[cfg(test)]
mod tests {
    use imgshare_storage::MemoryRecords;

    use super::*;

    #[test]
    fn p08_the_audit_of_a_block_names_no_address() {
        let keys = MemoryRecords::default();
        let add = |network: &str| BlockCommand::Add {
            network: network.to_owned(),
            days: 7,
            reason: "spam from 203.0.113.77".to_owned(),
        };
        let act = |command| obey(&keys, &Actor::Operator, 1_000, &command);
        let done = act(add("203.0.113.77")).unwrap();
        assert_eq!(
            done,
            BlockAnswer::Done {
                network: "203.0.113.77/32".to_owned()
            }
        );
        let remove = BlockCommand::Remove {
            network: "203.0.113.77".to_owned(),
        };
        act(remove.clone()).unwrap();
        act(remove).unwrap();
        let entries = audit::entries_after(&keys, 0, 10).unwrap();
        assert_eq!(entries.len(), 2, "nothing was done the third time");
        let text = serde_json::to_string(&entries[0].entry).unwrap();
        assert!(text.contains("network:203.0.113.0/24"), "{text}");
        for entry in &entries {
            let text = serde_json::to_string(&entry.entry).unwrap();
            assert!(!text.contains("203.0.113.77"), "{text}");
        }
        assert!(matches!(
            act(add("nowhere")),
            Err(BlockError::NotANetwork(_))
        ));
        assert!(matches!(act(add("0.0.0.0/0")), Err(BlockError::TooWide)));
    }
}
