//! Accounts, by pseudonym and by the name one logs in with.

use serde::{Deserialize, Serialize};

use super::kept::{self, Kept};
use super::{KeptSecret, Role, StaffId};
use crate::{Changes, Keyspace, Space, StorageError, hex_bytes};

/// More passkeys than devices that one person works on; the value stays within
/// what a key may hold.
pub const PASSKEYS_MAX: usize = 5;

/// Longest credential id that is kept, in bytes. Authenticators make 16 to 64;
/// the standard's bound of 1,023 is for keys that store nothing themselves.
pub const CREDENTIAL_ID_BYTES_MAX: usize = 256;

/// Most accounts that are ever listed. Staff of one installation are tens.
const ACCOUNTS_MAX: usize = 10_000;

/// An account of a member of the staff.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The pseudonym, drawn once.
    pub id: StaffId,
    /// The name one logs in with; only admins see it.
    pub login: LoginName,
    /// What the person is there for.
    pub role: Role,
    /// Whether the account is closed. It is never deleted: the audit names it.
    #[serde(default)]
    pub is_disabled: bool,
    /// What is kept of the password.
    pub password: PasswordHash,
    /// The authenticator app, if one is enrolled.
    #[serde(default)]
    pub totp: Option<TotpSecret>,
    /// The passkeys.
    #[serde(default)]
    pub passkeys: Vec<Passkey>,
    /// SHA-256 of each recovery code that was not used yet.
    #[serde(default)]
    pub recovery: Vec<RecoveryHash>,
    /// When the person joined.
    pub created_at_ms: u64,
    /// Who invited: a pseudonym or `operator`.
    pub invited_by: String,
    /// Sessions of an earlier generation are over.
    #[serde(default)]
    pub generation: u64,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Account({}, {}, ..)", self.id, self.role)
    }
}

impl Account {
    /// Whether a second factor is enrolled: without one nobody gets in.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

/// The name one logs in with: 3 to 64 letters, digits and `. _ @ -`, in lower
/// case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LoginName(String);

impl LoginName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot be a name to log in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 3 to 64 letters, digits, dots, hyphens, underscores or @")]
pub struct InvalidLoginName;

impl TryFrom<String> for LoginName {
    type Error = InvalidLoginName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim().to_ascii_lowercase();
        let is_plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_@".contains(&byte)
        };
        let is_name = (3..=64).contains(&name.len()) && name.bytes().all(is_plain);
        is_name.then_some(Self(name)).ok_or(InvalidLoginName)
    }
}

impl From<LoginName> for String {
    fn from(name: LoginName) -> Self {
        name.0
    }
}

/// What is kept of a password: an argon2id hash and what it was made with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordHash {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Drawn for this password.
    #[serde(with = "hex_bytes")]
    pub salt: [u8; 32],
    /// The hash.
    #[serde(with = "hex_bytes")]
    pub hash: [u8; 32],
}

/// The secret shared with an authenticator app (RFC 6238).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotpSecret {
    /// The secret; codes are computed from it.
    pub secret: KeptSecret,
    /// The last time step that a code was taken of. None is taken twice.
    pub last_step: u64,
}

/// A public key of an authenticator (Web Authentication, ES256).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passkey {
    /// Credential id in hex.
    pub id: String,
    /// The point on P-256: x.
    #[serde(with = "hex_bytes")]
    pub x: [u8; 32],
    /// The point on P-256: y.
    #[serde(with = "hex_bytes")]
    pub y: [u8; 32],
    /// The authenticator's counter when it was last used; 0 where it counts not.
    pub sign_count: u32,
    /// What its owner calls it.
    pub name: String,
    /// When it was enrolled.
    pub created_at_ms: u64,
}

/// SHA-256 of a recovery code.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecoveryHash(#[serde(with = "hex_bytes")] pub [u8; 32]);

/// The account of a pseudonym.
///
/// # Errors
/// When it cannot be read.
pub fn account(keys: &dyn Keyspace, id: &StaffId) -> Result<Option<Kept<Account>>, StorageError> {
    Kept::read(keys, account_key(id))
}

/// The account of a name one logs in with.
///
/// # Errors
/// When it cannot be read.
pub fn account_of_login(
    keys: &dyn Keyspace,
    login: &LoginName,
) -> Result<Option<Kept<Account>>, StorageError> {
    let Some(id) = Kept::<StaffId>::read(keys, login_key(login))? else {
        return Ok(None);
    };
    account(keys, &id.value)
}

/// Every account, by pseudonym.
///
/// # Errors
/// When they cannot be read.
pub fn accounts(keys: &dyn Keyspace) -> Result<Vec<Kept<Account>>, StorageError> {
    let range = crate::KeyRange::prefix(&Space::Staff.key(&[b"a"]));
    keys.range(&range, ACCOUNTS_MAX)?
        .into_iter()
        .map(|entry| Kept::decode(entry.key, entry.value))
        .collect()
}

/// Adds an account. The commit is [`StorageError::Stale`] when the pseudonym or
/// the name is taken.
pub fn add_account(changes: &mut Changes, account: &Account) {
    kept::insert(changes, account_key(&account.id), account);
    kept::insert(changes, login_key(&account.login), &account.id);
}

fn account_key(id: &StaffId) -> Vec<u8> {
    Space::Staff.key(&[b"a", id.as_str().as_bytes()])
}

fn login_key(login: &LoginName) -> Vec<u8> {
    Space::Staff.key(&[b"l", login.as_str().as_bytes()])
}
