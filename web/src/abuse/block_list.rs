//! The blocks in force, as every request asks for them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use imgshare_storage::blocks::Block;
use ipnet::IpNet;

use crate::http::address::ClientAddress;

/// Blocked networks by the length of their prefixes, in memory.
#[derive(Debug, Default)]
pub(super) struct BlockList {
    by_length: RwLock<Arc<ByLength>>,
}

/// For each length of a prefix that occurs: the networks, and when they end.
#[derive(Debug, Default)]
struct ByLength(Vec<(u32, HashMap<u128, u64>)>);

impl BlockList {
    /// Puts these in the place of all others.
    pub(super) fn replace(&self, blocks: &[Block]) {
        let mut by_length: HashMap<u32, HashMap<u128, u64>> = HashMap::new();
        for block in blocks {
            let length = match block.network {
                IpNet::V4(network) => u32::from(network.prefix_len()) + 96,
                IpNet::V6(network) => u32::from(network.prefix_len()),
            };
            let prefix = masked(bits(block.network.addr()), length);
            let networks = by_length.entry(length).or_default();
            networks.insert(prefix, block.until_ms);
        }
        let replaced = Arc::new(ByLength(by_length.into_iter().collect()));
        *self
            .by_length
            .write()
            .unwrap_or_else(PoisonError::into_inner) = replaced;
    }

    /// Whether a client is in a network that is blocked now.
    pub(super) fn contains(&self, client: ClientAddress, now_ms: u64) -> bool {
        let list = self
            .by_length
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if list.0.is_empty() {
            return false;
        }
        let list = Arc::clone(&list);
        let bits = bits(client.exposed());
        list.0.iter().any(|(length, networks)| {
            let until_ms = networks.get(&masked(bits, *length));
            until_ms.is_some_and(|until_ms| *until_ms > now_ms)
        })
    }
}

fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn masked(bits: u128, length: u32) -> u128 {
    let n_cut = 128_u32.saturating_sub(length);
    u128::MAX.checked_shl(n_cut).unwrap_or(0) & bits
}

#[cfg(test)]
mod tests {
    use imgshare_storage::blocks;

    use super::*;

    #[test]
    fn p08_blocks_hold_for_addresses_and_networks_until_their_end() {
        let list = BlockList::default();
        let day = imgshare_storage::calendar::MS_A_DAY;
        let block = |network: &str, days| {
            let network = blocks::parse(network).unwrap();
            Block::new(network, "", "operator", 0, days).unwrap()
        };
        list.replace(&[
            block("203.0.113.77", 1),
            block("198.51.100.0/24", 2),
            block("2001:db8:7::/48", 2),
        ]);
        let is_blocked = |address: &str, now_ms| {
            list.contains(ClientAddress::new(address.parse().unwrap()), now_ms)
        };
        for (address, blocked) in [
            ("203.0.113.77", true),
            ("::ffff:203.0.113.77", true),
            ("203.0.113.78", false),
            ("198.51.100.1", true),
            ("198.51.101.1", false),
            ("2001:db8:7:8::9", true),
            ("2001:db8:8::9", false),
        ] {
            assert_eq!(is_blocked(address, day - 1), blocked, "{address}");
        }
        assert!(!is_blocked("203.0.113.77", day));
        assert!(is_blocked("198.51.100.1", day));
        list.replace(&[]);
        assert!(!is_blocked("198.51.100.1", 0));
    }
}
