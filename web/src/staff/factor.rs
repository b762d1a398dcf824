//! Proving a second factor: a code of the app, a passkey, or a recovery code.

use imgshare_storage::staff::{Account, Challenge, SessionRecord};
use serde::Deserialize;

use super::vault::Vault;
use super::webauthn::RelyingParty;
use super::{Refusal, recovery, totp, webauthn};
use crate::error::WebError;

/// What a form says of a second factor: one of the three.
#[derive(Deserialize)]
pub(super) struct FactorForm {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) credential: String,
    #[serde(default)]
    pub(super) recovery: String,
}

/// How it was proved, for the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Totp,
    Passkey,
    Recovery,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Recovery => "recovery-code",
        }
    }
}

/// Checks a second factor against an account, and returns the account as it is
/// afterwards: nothing proves it twice.
///
/// # Errors
/// [`Refusal::CodeWrong`], [`Refusal::PasskeyWrong`] or
/// [`Refusal::SecretUnreadable`].
pub(super) fn prove(
    vault: &Vault,
    account: &Account,
    session: &SessionRecord,
    party: Option<&RelyingParty>,
    form: &FactorForm,
    now_ms: u64,
) -> Result<(Account, Kind), Refusal> {
    let mut account = account.clone();
    if !form.credential.is_empty() {
        let (Some(party), Some(challenge)) = (party, session.challenge) else {
            return Err(Refusal::PasskeyWrong);
        };
        let known = &account.passkeys;
        let asserted = webauthn::assert(party, &challenge.0, &form.credential, known);
        let (index, sign_count) = asserted.map_err(|error| {
            tracing::warn!(target: "imgshare_web::staff", staff = %account.id, %error, "a passkey was refused");
            Refusal::PasskeyWrong
        })?;
        account.passkeys[index].sign_count = sign_count;
        return Ok((account, Kind::Passkey));
    }
    if !form.recovery.is_empty() {
        let left = recovery::spend(&account.recovery, &form.recovery);
        account.recovery = left.ok_or(Refusal::CodeWrong)?;
        return Ok((account, Kind::Recovery));
    }
    let kept = account.totp.as_mut().ok_or(Refusal::CodeWrong)?;
    let secret = vault.open(&kept.secret, account.id.as_str())?;
    let accepted = totp::accept(&secret, kept.last_step, &form.code, now_ms);
    kept.last_step = accepted.ok_or(Refusal::CodeWrong)?;
    Ok((account, Kind::Totp))
}

/// A new challenge for an authenticator.
pub(super) fn challenge() -> Result<Challenge, WebError> {
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn)
        .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
    Ok(Challenge(drawn))
}
