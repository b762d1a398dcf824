//! Blocks made and lifted, by staff on the page or by the operator on the
//! command line: the same acts, the same entries in the audit.

use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
use imgshare_storage::blocks::{self, Block, BlockError};
use imgshare_storage::{Keyspace, StorageError};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::config::Settings;
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

/// Refuses a block that would deny the operator's own: whoever limits spare, and
/// proxies through which visitors come.
fn spare(settings: &Settings, network: &IpNet) -> Result<(), BlockError> {
    let spared = |ours: &IpNet, setting: &str, who: &str| BlockError::Spared {
        network: *network,
        why: format!("{ours} is {who} ({setting}); take it out of that setting first"),
    };
    if let Some(ours) = settings.http.trusted_proxies.overlapping(network) {
        let who = "a proxy of this service, and visitors come through it";
        return Err(spared(ours, "http.trusted_proxies", who));
    }
    if let Some(ours) = settings.abuse.exempt.overlapping(network) {
        return Err(spared(ours, "abuse.exempt", "exempt from limits"));
    }
    Ok(())
}

/// Does it.
///
/// # Errors
/// [`BlockError`], [`BlockError::Spared`] for what these settings spare; lifting
/// what is not there is none.
pub fn obey(
    keys: &dyn Keyspace,
    settings: &Settings,
    (actor, now_ms): (&Actor, u64),
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
    if matches!(command, BlockCommand::Add { .. }) {
        spare(settings, &network)?;
    }
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
        let settings = Settings::default();
        let act = |command| obey(&keys, &settings, (&Actor::Operator, 1_000), &command);
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

    #[test]
    fn p08_nobody_blocks_the_services_own() {
        let keys = MemoryRecords::default();
        let mut settings = Settings::default();
        settings.http.trusted_proxies = "127.0.0.2, 10.0.0.0/24".parse().unwrap();
        let act = |command| obey(&keys, &settings, (&Actor::Operator, 1_000), &command);
        for (network, setting) in [
            ("127.0.0.1", "abuse.exempt"),
            ("::1", "abuse.exempt"),
            ("127.0.0.0/24", "http.trusted_proxies"),
            ("127.0.0.2", "http.trusted_proxies"),
            ("10.0.0.7", "http.trusted_proxies"),
            ("10.0.0.0/12", "http.trusted_proxies"),
            ("::ffff:127.0.0.1", "abuse.exempt"),
        ] {
            let add = BlockCommand::Add {
                network: network.to_owned(),
                days: 7,
                reason: String::new(),
            };
            let refused = act(add).unwrap_err();
            assert!(matches!(refused, BlockError::Spared { .. }), "{refused}");
            assert!(refused.to_string().contains(setting), "{refused}");
            // One of an earlier release can be lifted.
            let remove = BlockCommand::Remove {
                network: network.to_owned(),
            };
            act(remove).unwrap();
        }
        assert!(blocks::list(&keys, 1_000).unwrap().is_empty());
    }
}
