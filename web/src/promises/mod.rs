//! The promises of the privacy policy, what keeps each, when that was last
//! proved, and how they stand.
//!
//! Proofs are tests: whatever test is named `p13b_...` proves P13b. The record
//! of the last run in which they all passed is written by `tests/record-proofs`
//! and built in ([`proofs`]). How a promise stands on this very service is said
//! when it is asked for ([`standing`]), by the function that the table has for it
//! ([`judge`]): from the settings and from what was looked at just before, or,
//! where a running service can see nothing of it, from the proofs alone. The two
//! are told apart in the words.

mod judge;
pub mod proofs;
pub mod standing;
mod table;

#[cfg(test)]
mod tests;

use imgshare_storage::retention::Job;

pub use standing::{Facts, Standing};
pub use table::PROMISES;

/// A promise.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// Its number, such as P13a.
    pub number: &'static str,
    /// What is promised.
    pub words: &'static str,
    /// What keeps it; never empty.
    pub kept_by: &'static [Keeper],
    /// Says how it stands here and now.
    pub judged: fn(&Facts<'_>) -> Standing,
}

/// What keeps a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A type: the program does not compile without it.
    Type(&'static str),
    /// What every request, upload or decision goes through.
    Code(&'static str),
    /// A job of retention.
    Job(Job),
    /// Another job of the service.
    Task(&'static str),
    /// A page.
    Page(&'static str),
}

impl Keeper {
    /// What kind of thing it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Type(_) => "type",
            Self::Code(_) => "code",
            Self::Job(_) | Self::Task(_) => "job",
            Self::Page(_) => "page",
        }
    }

    /// Which.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self {
            Self::Type(what) | Self::Code(what) | Self::Task(what) | Self::Page(what) => what,
            Self::Job(job) => job.as_str(),
        }
    }

    /// Both, for people.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}: {}", self.kind(), self.what())
    }
}

impl Promise {
    /// What the names of the tests that prove it begin with: its own number, and
    /// that of the promise of which it is a part.
    #[must_use]
    pub fn proof_prefixes(&self) -> [String; 2] {
        let (_, number) = self.number.split_at(1);
        let digits = number.trim_end_matches(|end: char| end.is_ascii_lowercase());
        let part = number.get(digits.len()..).unwrap_or_default();
        [format!("p{digits:0>2}{part}_"), format!("p{digits:0>2}_")]
    }
}
