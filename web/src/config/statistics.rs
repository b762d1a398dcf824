//! Settings about what is counted of visitors.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is counted by day, and for how long it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Statistics {
    /// Whether anything is counted.
    pub enabled: bool,
    /// Counts below this are told to nobody, and are gone when their day is.
    pub count_min: u64,
    /// How long days are kept.
    pub days: u32,
    /// A database of countries by address (MMDB), of the operator's; empty
    /// counts none.
    pub countries: PathBuf,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            enabled: true,
            count_min: 5,
            days: 730,
            countries: PathBuf::new(),
        }
    }
}
