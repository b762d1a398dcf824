//! Invitations: the only way to an account, each good for one use.

use serde::{Deserialize, Serialize};

use super::kept::{self, Kept};
use super::{LoginName, PasswordHash, Role, Secret, StaffId};
use crate::{Changes, KeyRange, Keyspace, Space, StorageError, hex_bytes};

/// Invitations looked at together.
const PAGE: usize = 1_000;

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
    #[serde(with = "hex_bytes")]
    pub totp_secret: [u8; 20],
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
pub fn invitations(keys: &dyn Keyspace, now_ms: u64) -> Result<Vec<Invitation>, StorageError> {
    let mut open = Vec::new();
    for entry in keys.range(&all(), PAGE)? {
        let kept = Kept::<Invitation>::decode(entry.key, entry.value)?;
        open.extend((now_ms < kept.value.expires_at_ms).then_some(kept.value));
    }
    Ok(open)
}

pub(super) fn all() -> KeyRange {
    KeyRange::prefix(&Space::Staff.key(&[b"i"]))
}

fn key(code: &Secret) -> Vec<u8> {
    Space::Staff.key(&[b"i", &code.hash()])
}
