//! Clients as limits know them: hashes under a key that lives in memory and is
//! drawn anew every day, so that nobody is known from one day to the next.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{PoisonError, RwLock};

use imgshare_storage::calendar::MS_A_DAY;
use siphasher::sip::SipHasher13;

use crate::http::address::ClientAddress;

/// Today's key.
#[derive(Debug)]
pub(super) struct DayKey {
    today: RwLock<Today>,
}

#[derive(Clone, Copy)]
struct Today {
    day: u64,
    key: [u64; 2],
}

impl std::fmt::Debug for Today {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Today").finish_non_exhaustive()
    }
}

/// A client of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// The subscriber's hash.
    pub(super) address: u64,
    /// The network's hash.
    pub(super) network: u64,
}

impl DayKey {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            today: RwLock::new(Today::draw(now_ms / MS_A_DAY)),
        }
    }

    /// Who a client is until midnight (UTC).
    pub(super) fn identity(&self, client: ClientAddress, now_ms: u64) -> Identity {
        let key = self.key(now_ms);
        Identity {
            address: hash(key, b'a', &client.subscriber()),
            network: hash(key, b'n', &client.anonymized().bytes()),
        }
    }

    /// Anything else, such as an image, until midnight.
    pub(super) fn of(&self, bytes: &[u8], now_ms: u64) -> u64 {
        hash(self.key(now_ms), b'x', bytes)
    }

    fn key(&self, now_ms: u64) -> [u64; 2] {
        let day = now_ms / MS_A_DAY;
        let today = *self.today.read().unwrap_or_else(PoisonError::into_inner);
        if today.day == day {
            return today.key;
        }
        let mut today = self.today.write().unwrap_or_else(PoisonError::into_inner);
        if today.day != day {
            *today = Today::draw(day);
        }
        today.key
    }
}

impl Today {
    fn draw(day: u64) -> Self {
        // Without the system's randomness the library's has to do.
        let drawn = || getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(day));
        Self {
            day,
            key: [drawn(), drawn()],
        }
    }
}

fn hash([k0, k1]: [u64; 2], kind: u8, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(k0, k1);
    hasher.write_u8(kind);
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p08_nobody_is_known_from_one_day_to_the_next() {
        let noon = 1_750_032_000_000;
        let keys = DayKey::new(noon);
        let of = |text: &str, now_ms| {
            let client = ClientAddress::new(text.parse().unwrap());
            keys.identity(client, now_ms)
        };
        let first = of("203.0.113.77", noon);
        assert_eq!(of("::ffff:203.0.113.77", noon + 3_600_000), first);
        let neighbour = of("203.0.113.78", noon);
        assert_ne!(neighbour.address, first.address);
        assert_eq!(neighbour.network, first.network);
        let next_day = of("203.0.113.77", noon + MS_A_DAY);
        assert_ne!(next_day, first);
        assert_ne!(of("203.0.113.77", noon), first, "the key is gone for good");
        assert_eq!(format!("{:?}", *keys.today.read().unwrap()), "Today { .. }");
    }
}
