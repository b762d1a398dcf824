//! How much the bank holds.

use serde::{Deserialize, Serialize};

use super::entry::UNSEARCHED;
use super::{Bank, BankEntry, BankHash, BankPolicy, PAGE};
use crate::moderation::ModerationError;
use crate::{Keyspace, Space};

/// How many hashes of which kind the bank holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BankCounts {
    /// SHA-256 of files.
    pub n_sha256: u64,
    /// PDQ of pictures.
    pub n_pdq: u64,
    /// Whose uploads are refused; the others are queued.
    pub n_refused: u64,
    /// Whose copies were not looked for yet.
    pub n_unsearched: u64,
}

impl Bank {
    /// Counts everything: it is read from beginning to end, a second or two for a
    /// million.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counts(&self) -> Result<BankCounts, ModerationError> {
        let mut counts = BankCounts::default();
        let mut range = Space::Bank.all();
        loop {
            let entries = self.store.range(&range, PAGE)?;
            for listed in &entries {
                match BankHash::of_key(&listed.key) {
                    Some(BankHash::Sha256(_)) => counts.n_sha256 += 1,
                    Some(BankHash::Pdq(_)) => counts.n_pdq += 1,
                    None => {
                        let is_mark = listed.key.get(2..3) == Some(UNSEARCHED);
                        counts.n_unsearched += u64::from(is_mark);
                        continue;
                    }
                }
                let policy = BankEntry::decode(&listed.value)?.policy;
                counts.n_refused += u64::from(policy == BankPolicy::Refuse);
            }
            match entries.last() {
                Some(last) => range = range.after(&last.key),
                None => return Ok(counts),
            }
        }
    }
}
