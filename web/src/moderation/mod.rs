//! What decides about images besides the thresholds, and what people decide.
//!
//! [`gate`] is what every image passes when it is scored: the hash bank, then
//! the [`rules`], then the thresholds. [`keeper`] does what is due by the clock:
//! leases that end, removed images that are purged, copies of what was banned.
//! [`desk`] holds the pages that people decide on, [`bank_control`] takes lists
//! of hashes from the command line.
//! [`replay`] tells what other rules would change. [`thresholds`] are those in
//! force; [`relabel`] lets what is stored follow them, and [`shadow`] holds a
//! candidate that only counts, as does [`shadow_model`], of another model.

pub mod api;
pub mod bank_control;
pub mod desk;
pub mod gate;
pub mod keeper;
mod legal_order;
pub mod rate;
pub mod relabel;
pub mod replay;
pub mod rulebook;
pub mod rules;
pub mod service;
pub mod shadow;
pub mod shadow_model;
pub mod thresholds;
