//! The pages under `/staff`: view types in, HTML text out.

mod blocks;
mod lawful;
mod lists;
mod ways_in;

pub use blocks::{AlertRow, BlockRow, BlocksView, blocks};
pub use lawful::{HoldRow, RequestRow, RequestsView, holds, requests};
pub use lists::{
    AccountView, AuditRow, AuditView, InvitationRow, MemberRow, PasskeyRow, PeopleView, account,
    audit, people,
};
pub(crate) use ways_in::Enrolment;
pub(crate) use ways_in::enrol;
pub use ways_in::{FactorPage, JoinPage, home, join, login, recovery_codes, second_factor};

/// Who is looking, as every page shows it.
#[derive(Debug, Clone)]
pub struct Me {
    /// The pseudonym.
    pub name: String,
    /// The role.
    pub role: &'static str,
    /// The token of the session's forms.
    pub csrf: String,
    /// Whether a queue is theirs.
    pub sees_queue: bool,
    /// Whether they may decide many at once.
    pub sees_grid: bool,
    /// Whether alerts and blocks are theirs.
    pub sees_abuse: bool,
    /// Whether the figures are theirs.
    pub sees_figures: bool,
    /// Whether the hash bank is theirs.
    pub sees_bank: bool,
    /// Whether the rules are theirs.
    pub sees_rules: bool,
    /// Whether the page of notices and clocks is theirs.
    pub sees_notices: bool,
    /// Whether the page of people is theirs.
    pub sees_people: bool,
    /// Whether the audit is theirs.
    pub sees_audit: bool,
    /// Whether legal holds are theirs.
    pub sees_holds: bool,
    /// Whether privacy requests are theirs.
    pub sees_requests: bool,
}
