//! Invitations: the only way to an account, each good for one use.

use serde::{Deserialize, Serialize};

use super::kept::{self, Kept};
use super::{KeptSecret, LoginName, PasswordHash, Role, Secret, StaffId};
use crate::{Changes, KeyRange, Keyspace, Space, StorageError, hex_bytes};

/// Most invitations that are ever listed, the expired ones among them.
pub const INVITATIONS_MAX: usize = 1_000;

/// Letters of an invitation's name: 48 bits of its code's hash.
const NAME_BYTES: usize = 6;

/// What an invitation is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Purpose {
    /// A new account of a role.
    Join {
        /// The role.
        role: Role,
    },
    /// A new second factor for an account that lost its own.
    Renew {
        /// Whose.
        staff: StaffId,
    },
}

/// An invitation, kept under the hash of its code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// What it is for.
    pub purpose: Purpose,
    /// Who made it: a pseudonym or `operator`.
    pub by: String,
    /// When it was made.
    pub created_at_ms: u64,
    /// From when on it is good for nothing.
    pub expires_at_ms: u64,
    /// How far its bearer has come.
    #[serde(default)]
    pub draft: Option<Draft>,
}

/// An account being set up: name and password are chosen, the second factor is
/// not enrolled yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The chosen name.
    pub login: LoginName,
    /// What is kept of the password.
    pub password: PasswordHash,
    /// The secret offered to the authenticator app.
    pub totp_secret: KeptSecret,
    /// The challenge offered to an authenticator.
    #[serde(with = "hex_bytes")]
    pub challenge: [u8; 32],
}

/// The invitation of a code, unless it has expired.
///
/// # Errors
/// When it cannot be read.
pub fn invitation(
    keys: &dyn Keyspace,
    code: &Secret,
    now_ms: u64,
) -> Result<Option<Kept<Invitation>>, StorageError> {
    let kept: Option<Kept<Invitation>> = Kept::read(keys, key(code))?;
    Ok(kept.filter(|kept| now_ms < kept.value.expires_at_ms))
}

/// Adds an invitation under its code.
pub fn add_invitation(changes: &mut Changes, code: &Secret, invitation: &Invitation) {
    kept::insert(changes, key(code), invitation);
}

/// Every invitation that is still open.
///
/// # Errors
/// When they cannot be read.
pub fn invitations(
    keys: &dyn Keyspace,
    now_ms: u64,
) -> Result<Vec<Kept<Invitation>>, StorageError> {
    let mut open = Vec::new();
    for entry in keys.range(&all(), INVITATIONS_MAX)? {
        let kept = Kept::<Invitation>::decode(entry.key, entry.value)?;
        open.extend((now_ms < kept.value.expires_at_ms).then_some(kept));
    }
    Ok(open)
}

/// What an invitation is called by those who cannot know its code: the
/// beginning of the code's hash, in hex.
#[must_use]
pub fn invitation_name(kept: &Kept<Invitation>) -> String {
    let hash = kept.key().get(all().from.len()..).unwrap_or_default();
    hex::encode(&hash[..NAME_BYTES.min(hash.len())])
}

pub(super) fn all() -> KeyRange {
    KeyRange::prefix(&Space::Staff.key(&[b"i"]))
}

fn key(code: &Secret) -> Vec<u8> {
    Space::Staff.key(&[b"i", &code.hash()])
}
