//! Copyright: notices (17 U.S.C. 512(c)(3)), counter-notices (512(g)(3)), and
//! who comes back with what was removed.
//!
//! A notice is a report with the fields that the law asks for: it goes through
//! the queue like every other, and whoever decides "removed, copyright" upholds
//! it. A counter-notice then stops the purge and starts a clock of business
//! days, at whose end the image is restored unless the claimant has gone to
//! court.

pub(super) mod closing;
mod counter;
mod flaw;
mod notice;
pub(super) mod repeat;

pub use counter::{CounterForm, CounterNotice, CounterState, Restored};
pub use flaw::{Flaw, FlawKind};
pub use notice::{IMAGES_PER_NOTICE_MAX, Notice, NoticeForm};
pub use repeat::Repeats;
