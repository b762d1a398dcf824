//! What people look at: the queue of images that wait for a moderator, who
//! works on which, what was decided, and the hashes that must not come back.
//!
//! Everything lies in the [`Keyspace`](crate::Keyspace) beside the records, so
//! that a decision, the image's state, the job's place and the audit's entry
//! are one commit.
//!
//! | key | value |
//! |---|---|
//! | `mb` kind hash | an entry of the hash bank |
//! | `mbc` kind hash | nothing: copies of it are still to be looked for |
//! | `mbd` kind hash | how many removals ask for it |
//! | `mbe` kind hash id | nothing: a copy that was removed for it |
//! | `mbf` kind hash | nothing: it is gone, and its copies are to come back |
//! | `mbg` kind hash | how many uploads were refused for it |
//! | `mc` end-of-lease id | who holds the lease |
//! | `mj` id | the job |
//! | `ml` ... | what decisions teach: see [`Figures`] |
//! | `mp` due id | nothing: a removed image to be purged then |
//! | `mq` `d` `a` time id | the lane of what was decided then |
//! | `mq` `d` `s` staff 0 time id | the same, of what they decided |
//! | `mq` `u` id | how busy its network was, for an image that waits to be classified |
//! | `mq` lane sort order created id | what the queue filters by |
//!
//! A job that waits has a `mq` key for every sort; one that is claimed has a
//! `mc` key instead; one that is decided has neither. A decision that stands has
//! its `mqd` keys, whatever the job does since. "The next ones" is the
//! beginning of a range, whatever the length of the queue.
//!
//! Deliberately absent: the clock (the caller says what time it is), accounts
//! and permissions (`web` asks them first), texts for people.

mod bank;
mod claim;
mod copies;
mod decide;
mod decided;
mod error;
mod flag;
mod job;
mod job_keys;
mod learning;
mod left_over;
mod listing;
mod priority;
mod purge;
mod queue;
mod reason;
mod rescore;
mod restore;
mod returns;
mod sample;
mod signals;
mod text;
mod tombstone;
mod undo;
mod upload_rate;
mod verdict;
mod words;

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod tests;

pub(crate) use bank::plan_origin_forgotten;
pub use bank::{
    AfterRemoval, BANK_CSV_HEADER, BANK_DISTANCE_MAX, BANK_QUALITY_MIN, BadLine, Bank, BankCounts,
    BankEntry, BankHash, BankLikeness, BankMatch, BankPolicy, InvalidBankHash, ListDefaults,
    ListReader, Lookup, TakenOff,
};
pub use claim::LEASES_MAX;
pub use copies::Copies;
pub use error::{Conflict, ConflictKind, ModerationError};
pub(crate) use flag::plan_forgotten;
pub use flag::{Flag, Report};
pub use job::{Job, Lane, Lease, Skip, Status};
pub use learning::{
    Candidate, Cell, Counted, Figures, Judged, Opinion, OpinionFigures, SCORE_STEPS, Seen,
    ShadowFigures, Source, Standing, Standings, forget_opinions, opinion_figures, plan_shadow_end,
    shadow_figures,
};
pub(crate) use left_over::plan_scores_erased;
pub use listing::{Listing, Query};
pub use priority::{BOOST_MS_MAX, Priority, Sort};
pub use purge::Purged;
pub use queue::{CLAIMS_MAX, Moderator, Queue, QueueSettings};
pub use reason::{Reason, ReasonKind, ReasonSet};
pub use rescore::{Rescore, ScorePlace, is_about_score, is_settled};
pub use returns::{COPIES_COUNTED_MAX, Returned};
pub use sample::is_sampled;
pub use signals::Signals;
pub use text::{NOTE_CHARS_MAX, Note};
pub(crate) use tombstone::{Removal, plan_removed_again};
pub(crate) use upload_rate::plan_wait_ended;
pub use upload_rate::{plan_upload_rate, upload_rate};
pub use verdict::{Before, Claim, Decision, Policy, Verdict};
