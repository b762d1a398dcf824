//! Passwords: argon2id, a few at once, in the same time for every name.

mod easy;

use argon2::{Algorithm, Argon2, Params, Version};
use imgshare_storage::staff::{LoginName, PasswordHash};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::Refusal;
use crate::error::WebError;

/// The parameters that OWASP's cheat sheet names for argon2id: 19 MiB, two
/// passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Shortest password, in characters.
const PASSWORD_CHARS_MIN: usize = 12;

/// Longest password, in bytes: far beyond any passphrase.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// Passwords in each line that wait for their turn; more are told to come back.
/// Whoever waits behind both lines waits for some 40 of 20 ms.
const WAITING_MAX: usize = 16;

/// Who waits for a password to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Anybody.
    Strangers,
    /// Whoever holds a session or an invitation, or comes from where staff have
    /// logged in: strangers cannot take their places.
    Known,
}

/// Hashes and checks passwords, a bounded number at once.
#[derive(Debug)]
pub(super) struct Passwords {
    turns: Semaphore,
    strangers: Semaphore,
    known: Semaphore,
}

impl Passwords {
    pub(super) fn new(at_once_max: usize) -> Self {
        Self {
            turns: Semaphore::new(at_once_max),
            strangers: Semaphore::new(WAITING_MAX.saturating_add(at_once_max)),
            known: Semaphore::new(WAITING_MAX.saturating_add(at_once_max)),
        }
    }

    /// What is kept of a new password, for whoever holds a session or an
    /// invitation.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too many wait, and when there is no randomness.
    pub(super) async fn hash(&self, password: String) -> Result<PasswordHash, WebError> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)
            .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
        let kept = PasswordHash {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt,
            hash: [0; 32],
        };
        let hash = self.compute(password, kept.clone(), Line::Known).await?;
        Ok(PasswordHash { hash, ..kept })
    }

    /// Whether a password is the one that was kept. Without one it takes as
    /// long and is not.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too many wait.
    pub(super) async fn verify(
        &self,
        password: String,
        kept: Option<PasswordHash>,
        line: Line,
    ) -> Result<bool, WebError> {
        let is_known = kept.is_some();
        let kept = kept.unwrap_or(PasswordHash {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: [0; 32],
            hash: [0; 32],
        });
        let expected = kept.hash;
        let hash = self.compute(password, kept, line).await?;
        Ok(bool::from(hash.ct_eq(&expected)) & is_known)
    }

    async fn compute(
        &self,
        password: String,
        kept: PasswordHash,
        line: Line,
    ) -> Result<[u8; 32], WebError> {
        let places = match line {
            Line::Strangers => &self.strangers,
            Line::Known => &self.known,
        };
        let _place = places.try_acquire().map_err(|_| Refusal::Busy)?;
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|_| WebError::Internal("the passwords' turns are closed".to_owned()))?;
        tokio::task::spawn_blocking(move || argon2id(&password, &kept))
            .await
            .map_err(|_| WebError::Internal("hashing a password panicked".to_owned()))?
            .map_err(|error| WebError::Internal(format!("argon2: {error}")))
    }
}

fn argon2id(password: &str, kept: &PasswordHash) -> Result<[u8; 32], argon2::Error> {
    let params = Params::new(kept.memory_kib, kept.passes, LANES, Some(32))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    // Beyond the bound nothing is a password; it costs no more than one.
    let password = password
        .as_bytes()
        .get(..PASSWORD_BYTES_MAX.saturating_add(1).min(password.len()))
        .unwrap_or_default();
    argon2.hash_password_into(password, &kept.salt, &mut hash)?;
    Ok(hash)
}

/// Checks that a new password can be taken.
///
/// # Errors
/// [`Refusal::Invalid`] says what it must be.
pub(super) fn check_new(password: &str, again: &str, login: &LoginName) -> Result<(), Refusal> {
    if password != again {
        return Err(Refusal::Invalid("The two passwords are not the same."));
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(Refusal::Invalid("A password needs at least 12 characters."));
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Refusal::Invalid("A password has at most 1,024 bytes."));
    }
    if easy::holds_little(password, login.as_str()) {
        return Err(Refusal::Invalid(
            "This password is too easy: it repeats itself, or is little more than your name, a \
             common word or a row of keys.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let passwords = Passwords::new(1);
        let kept = passwords
            .hash("correct horse battery".to_owned())
            .await
            .unwrap();
        let is_right = async |text: &str, kept: Option<&PasswordHash>| {
            passwords
                .verify(text.to_owned(), kept.cloned(), Line::Strangers)
                .await
                .unwrap()
        };
        assert!(is_right("correct horse battery", Some(&kept)).await);
        assert!(!is_right("correct horse batterY", Some(&kept)).await);
        assert!(!is_right("", Some(&kept)).await);
        assert!(!is_right("correct horse battery", None).await);
        let again = passwords
            .hash("correct horse battery".to_owned())
            .await
            .unwrap();
        assert!(
            again.hash != kept.hash,
            "every password has a salt of its own"
        );
    }

    #[tokio::test]
    async fn those_who_would_wait_too_long_are_told() {
        let passwords = Passwords::new(1);
        let _all = passwords.strangers.acquire_many(17).await.unwrap();
        let verify = |line| passwords.verify(String::new(), None, line);
        let refused = verify(Line::Strangers).await.unwrap_err();
        assert_eq!(refused.status_and_code().1, "staff-busy");
        assert!(!verify(Line::Known).await.unwrap(), "others wait elsewhere");
    }

    #[test]
    fn a_new_password_is_long_and_not_the_name() {
        let login = LoginName::try_from("jane.doe".to_owned()).unwrap();
        let check = |password: &str| check_new(password, password, &login);
        check("twelve chars").unwrap();
        check("äöü ßäöü éèàç").unwrap();
        check(&"long words ".repeat(90)).unwrap();
        for wrong in [
            "eleven char",
            "aaaaaaaaaaaaaaaa",
            "Jane.Doe 1234",
            &"ab".repeat(600),
        ] {
            check(wrong).unwrap_err();
        }
        check_new("twelve chars", "twelve charS", &login).unwrap_err();
    }
}
