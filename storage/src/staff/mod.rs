//! The staff: the only people with accounts.
//!
//! | key in `mu` | value |
//! |---|---|
//! | `a` pseudonym | the account |
//! | `f` hash of a name | failures to log in with it |
//! | `i` hash of a code | the invitation |
//! | `k` | the secret that names are hashed with |
//! | `l` name | the pseudonym of who logs in with it |
//!
//! Sessions lie in `ms` under the hash of their token. Values are a version
//! byte, then JSON. Secrets that can be hashed are, others are sealed
//! ([`KeptSecret`]); what proves and seals them is in the crate that answers
//! requests.

mod account;
mod id;
mod invitation;
pub(crate) mod kept;
mod kept_secret;
mod lockout;
mod role;
mod secret;
mod session;
mod sweep;

pub use account::{
    Account, CREDENTIAL_ID_BYTES_MAX, InvalidLoginName, LoginName, PASSKEYS_MAX, Passkey,
    PasswordHash, RecoveryHash, TotpSecret, account, account_of_login, accounts, add_account,
};
pub use id::{InvalidStaffId, StaffId};
pub use invitation::{
    Draft, INVITATIONS_MAX, Invitation, Purpose, add_invitation, invitation, invitation_name,
    invitations,
};
pub use kept::Kept;
pub use kept_secret::{APP_SECRET_BYTES, InvalidKeptSecret, KeptSecret};
pub use lockout::{Failures, LockoutRules, Tried};
pub use role::{Role, UnknownRole};
pub use secret::Secret;
pub use session::{
    Challenge, LiveSession, OfferedSecret, SessionRecord, SessionTimes, Stage, add_session,
    live_session, remove_session,
};
pub use sweep::sweep;
