//! Addresses that are denied, by when that ends.
//!
//! This is the one place where an address is kept whole: a hash of one would
//! hide nothing, because there are only four billion of IPv4 and the key would
//! lie beside them. What limits it instead: a block is made by a person for a
//! named reason, ends by itself after [`BLOCK_DAYS_MAX`] at most, and the audit
//! names its anonymised form alone.
//!
//! | key in `md` | value |
//! |---|---|
//! | 16 bytes of the address (IPv4 mapped), length of the prefix | [`Block`] |

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::calendar::MS_A_DAY;
use crate::retention::pending;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, Space, StorageError};

/// The longest block, in days.
pub const BLOCK_DAYS_MAX: u64 = 90;

/// Blocks kept at once.
pub const BLOCKS_MAX: usize = 10_000;

/// The widest network that can be blocked, by the length of its prefix: a
/// slip must not shut out a continent.
const PREFIX_MIN: (u8, u8) = (12, 24);

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;

/// Why a block cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The store's.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is no address and no network.
    #[error("{0:?} is neither an address nor a network such as 203.0.113.0/24")]
    NotANetwork(String),
    /// It would shut out too many.
    #[error("the network is too wide: at least /{v4} for IPv4 and /{v6} for IPv6",
        v4 = PREFIX_MIN.0, v6 = PREFIX_MIN.1)]
    TooWide,
    /// It would last too long, or not at all.
    #[error("a block lasts 1 to {BLOCK_DAYS_MAX} days")]
    BadTime,
    /// It would deny somebody who is never to be denied.
    #[error("{network} is not blocked: {why}")]
    Spared {
        /// What was to be blocked.
        network: IpNet,
        /// Who lies in it, by which setting, and what to do.
        why: String,
    },
    /// There are too many already.
    #[error("there are {BLOCKS_MAX} blocks already; remove some first")]
    TooMany,
}

/// A network that is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The network; one address is a network too.
    pub network: IpNet,
    /// Why.
    pub reason: String,
    /// Who did it, by pseudonym.
    pub by: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// When it ends, in milliseconds since 1970 UTC.
    pub until_ms: u64,
}

impl Block {
    /// A block of `days` days from now. The reason is cut to 200 characters,
    /// without those that steer a terminal.
    ///
    /// # Errors
    /// [`BlockError::BadTime`].
    pub fn new(
        network: IpNet,
        reason: &str,
        by: &str,
        now_ms: u64,
        days: u64,
    ) -> Result<Self, BlockError> {
        if days == 0 || days > BLOCK_DAYS_MAX {
            return Err(BlockError::BadTime);
        }
        let printable = reason
            .chars()
            .filter(|character| !character.is_control())
            .take(REASON_CHARS_MAX);
        Ok(Self {
            network,
            reason: printable.collect(),
            by: by.to_owned(),
            since_ms: now_ms,
            until_ms: now_ms.saturating_add(days.saturating_mul(MS_A_DAY)),
        })
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.until_ms <= now_ms
    }
}

/// Reads an address or a network, IPv4 within IPv6 as IPv4, bits behind the
/// prefix as zeros.
///
/// # Errors
/// [`BlockError::NotANetwork`], [`BlockError::TooWide`].
pub fn parse(text: &str) -> Result<IpNet, BlockError> {
    let text = text.trim();
    let network = match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
        (Ok(network), _) => network,
        (_, Ok(address)) => IpNet::from(address.to_canonical()),
        _ => return Err(BlockError::NotANetwork(text.chars().take(60).collect())),
    };
    let network = canonical(network.trunc());
    let prefix_min = match network {
        IpNet::V4(_) => PREFIX_MIN.0,
        IpNet::V6(_) => PREFIX_MIN.1,
    };
    if network.prefix_len() < prefix_min {
        return Err(BlockError::TooWide);
    }
    Ok(network)
}

/// A network of IPv4 addresses within IPv6 as one of IPv4.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else {
        return network;
    };
    let v4 = mapped.addr().to_ipv4_mapped();
    let prefix = mapped.prefix_len().checked_sub(96);
    match (v4, prefix) {
        (Some(v4), Some(prefix)) => Ipv4Net::new(v4, prefix).map_or(network, IpNet::V4),
        _ => network,
    }
}

/// Plans a block in the place of one of the same network. Returns what was
/// there.
///
/// # Errors
/// [`BlockError::TooMany`], and the store's.
pub fn plan_add(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    block: &Block,
) -> Result<Option<Block>, BlockError> {
    let key = key(&block.network);
    if let Some(before) = Kept::<Block>::read(keys, key.clone())? {
        before.replace(changes, block);
        return Ok(Some(before.value));
    }
    if keys.range(&Space::Blocks.all(), BLOCKS_MAX)?.len() >= BLOCKS_MAX {
        return Err(BlockError::TooMany);
    }
    kept::insert(changes, key, block);
    Ok(None)
}

/// Plans to lift a block. Returns what was there.
///
/// # Errors
/// The store's.
pub fn plan_remove(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    network: &IpNet,
    now_ms: u64,
) -> Result<Option<Block>, StorageError> {
    let before = Kept::<Block>::read(keys, key(network))?;
    if let Some(before) = &before {
        before.remove(changes);
        pending::plan(keys, changes, now_ms)?;
    }
    Ok(before.map(|before| before.value))
}

/// Every block that is not over.
///
/// # Errors
/// The store's.
pub fn list(keys: &dyn Keyspace, now_ms: u64) -> Result<Vec<Block>, StorageError> {
    let mut blocks: Vec<Block> = all(keys, BLOCKS_MAX)?
        .into_iter()
        .map(|kept| kept.value)
        .collect();
    blocks.retain(|block| !block.is_over(now_ms));
    Ok(blocks)
}

/// The blocks that are over.
///
/// # Errors
/// When they cannot be read.
pub fn over(keys: &dyn Keyspace, now_ms: u64) -> Result<Vec<Block>, StorageError> {
    let blocks = all(keys, BLOCKS_MAX)?.into_iter().map(|kept| kept.value);
    Ok(blocks.filter(|block| block.is_over(now_ms)).collect())
}

/// Removes up to `limit` blocks that are over, and returns how many.
///
/// # Errors
/// The store's.
pub fn remove_expired(
    keys: &dyn Keyspace,
    now_ms: u64,
    limit: usize,
) -> Result<usize, StorageError> {
    let mut changes = Changes::new();
    let mut n_removed = 0;
    for kept in all(keys, BLOCKS_MAX)? {
        if kept.value.is_over(now_ms) && n_removed < limit {
            kept.remove(&mut changes);
            n_removed += 1;
        }
    }
    if n_removed > 0 {
        pending::plan(keys, &mut changes, now_ms)?;
        keys.commit(changes)?;
    }
    Ok(n_removed)
}

fn all(keys: &dyn Keyspace, limit: usize) -> Result<Vec<Kept<Block>>, StorageError> {
    let entries = keys.range(&Space::Blocks.all(), limit)?;
    entries
        .into_iter()
        .map(|entry| Kept::decode(entry.key, entry.value))
        .collect()
}

fn key(network: &IpNet) -> Vec<u8> {
    let network: Ipv6Net = match network {
        IpNet::V6(network) => *network,
        IpNet::V4(network) => {
            let mapped = network.addr().to_ipv6_mapped();
            let prefix = network.prefix_len().saturating_add(96);
            Ipv6Net::new(mapped, prefix).unwrap_or_else(|_| Ipv6Net::from(mapped))
        }
    };
    Space::Blocks.key(&[&network.addr().octets(), &[network.prefix_len()]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRecords;

    const NOW: u64 = 1_750_000_000_000;

    fn add(keys: &MemoryRecords, network: &str, days: u64) -> Option<Block> {
        let network = parse(network).unwrap();
        let block = Block::new(network, "spam\u{1b}[31m", "operator", NOW, days).unwrap();
        let mut changes = Changes::new();
        let before = plan_add(keys, &mut changes, &block).unwrap();
        keys.commit(changes).unwrap();
        before
    }

    #[test]
    fn networks_are_read_in_every_guise() {
        let shown = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(shown(" 203.0.113.77 "), "203.0.113.77/32");
        assert_eq!(shown("203.0.113.77/24"), "203.0.113.0/24");
        assert_eq!(shown("::ffff:203.0.113.77"), "203.0.113.77/32");
        assert_eq!(shown("::ffff:203.0.113.0/120"), "203.0.113.0/24");
        assert_eq!(shown("2001:db8::1"), "2001:db8::1/128");
        assert_eq!(shown("2001:db8:1:2::/48"), "2001:db8:1::/48");
        for wrong in ["", "host.example", "1.2.3", "1.2.3.4/33", "<script>"] {
            assert!(
                matches!(parse(wrong), Err(BlockError::NotANetwork(_))),
                "{wrong}"
            );
        }
        for wide in ["0.0.0.0/0", "10.0.0.0/8", "::/0", "2000::/3"] {
            assert!(matches!(parse(wide), Err(BlockError::TooWide)), "{wide}");
        }
    }

    #[test]
    fn p08_a_block_ends_by_itself_and_leaves_nothing() {
        let keys = MemoryRecords::default();
        assert_eq!(add(&keys, "203.0.113.77", 1), None);
        add(&keys, "2001:db8::/48", 90);
        let before = add(&keys, "203.0.113.77", 2).unwrap();
        assert_eq!(before.until_ms, NOW + MS_A_DAY);
        let networks = |now_ms| -> Vec<String> {
            let blocks = list(&keys, now_ms).unwrap();
            blocks
                .iter()
                .map(|block| block.network.to_string())
                .collect()
        };
        assert_eq!(networks(NOW), ["203.0.113.77/32", "2001:db8::/48"]);
        assert_eq!(list(&keys, NOW).unwrap()[0].reason, "spam[31m");
        let after = NOW + 2 * MS_A_DAY;
        assert_eq!(networks(after), ["2001:db8::/48"]);
        assert_eq!(remove_expired(&keys, after, 10).unwrap(), 1);
        assert_eq!(remove_expired(&keys, after, 10).unwrap(), 0);
        assert_eq!(keys.range(&Space::Blocks.all(), 10).unwrap().len(), 1);
        let mut changes = Changes::new();
        let network = parse("2001:db8::/48").unwrap();
        assert!(
            plan_remove(&keys, &mut changes, &network, 0)
                .unwrap()
                .is_some()
        );
        keys.commit(changes).unwrap();
        assert!(networks(NOW).is_empty());
        for days in [0, 91] {
            let block = Block::new(network, "", "operator", NOW, days);
            assert!(matches!(block, Err(BlockError::BadTime)));
        }
    }
}
