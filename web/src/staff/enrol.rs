//! Enrolling a second factor: an authenticator app or a passkey.

use axum::http::HeaderMap;
use imgshare_storage::staff::{Account, KeptSecret, PASSKEYS_MAX, TotpSecret};
use serde::Deserialize;

use super::vault::{OFFERED, Vault};
use super::webauthn::RelyingParty;
use super::{Refusal, party, qr, totp, webauthn};
use crate::app::App;
use crate::error::WebError;
use crate::pages::staff::Enrolment;

/// Longest name of a passkey, in characters.
const NAME_CHARS_MAX: usize = 40;

/// What was offered: a code of this secret or an answer to this challenge
/// proves that it was taken.
pub(super) struct Offer {
    pub(super) secret: [u8; 20],
    pub(super) challenge: [u8; 32],
}

impl Offer {
    pub(super) fn draw() -> Result<Self, WebError> {
        let (mut secret, mut challenge) = ([0; 20], [0; 32]);
        getrandom::fill(&mut secret)
            .and_then(|()| getrandom::fill(&mut challenge))
            .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
        Ok(Self { secret, challenge })
    }

    /// The offer that was kept until its proof comes.
    ///
    /// # Errors
    /// [`Refusal::SecretUnreadable`] when the key was lost meanwhile.
    pub(super) fn kept(
        vault: &Vault,
        secret: &KeptSecret,
        challenge: [u8; 32],
    ) -> Result<Self, Refusal> {
        Ok(Self {
            secret: vault.open(secret, OFFERED)?,
            challenge,
        })
    }

    /// Its secret, to be kept until its proof comes.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn sealed(&self, vault: &Vault) -> Result<KeptSecret, WebError> {
        vault.seal(&self.secret, OFFERED)
    }

    /// The offer as the page shows it.
    pub(super) fn shown(
        &self,
        app: &App,
        headers: &HeaderMap,
        user: &str,
        login: &str,
        account: Option<&Account>,
    ) -> Enrolment {
        let site = &app.settings.site.name;
        let known = account.map_or(&[][..], |account| &account.passkeys);
        let passkey_options = party::of(app, headers)
            .filter(|_| known.len() < PASSKEYS_MAX)
            .map(|party| {
                let user = user.as_bytes();
                webauthn::creation_options(&party, &self.challenge, user, login, known).to_string()
            });
        Enrolment {
            qr: qr::draw(&totp::uri(&self.secret, site, login)),
            secret: totp::typed(&self.secret),
            passkey_options,
        }
    }
}

/// The form that proves it.
#[derive(Deserialize)]
pub(super) struct EnrolForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    credential: String,
    #[serde(default)]
    name: String,
}

/// Adds the proved factor to an account; says which it was.
///
/// # Errors
/// [`Refusal::CodeWrong`], [`Refusal::PasskeyWrong`], or that there is no room;
/// and when there is no randomness.
pub(super) fn enrol(
    vault: &Vault,
    account: &mut Account,
    offer: &Offer,
    party: Option<&RelyingParty>,
    form: &EnrolForm,
    now_ms: u64,
) -> Result<&'static str, WebError> {
    if form.credential.is_empty() {
        let step = totp::accept(&offer.secret, 0, &form.code, now_ms);
        account.totp = Some(TotpSecret {
            last_step: step.ok_or(Refusal::CodeWrong)?,
            secret: vault.seal(&offer.secret, account.id.as_str())?,
        });
        return Ok("totp");
    }
    if account.passkeys.len() >= PASSKEYS_MAX {
        return Err(Refusal::Invalid("There are five passkeys already; remove one first.").into());
    }
    let party = party.ok_or(Refusal::PasskeyWrong)?;
    let name = name_of(&form.name, account.passkeys.len());
    let registered = webauthn::register(party, &offer.challenge, &form.credential, name, now_ms);
    let passkey = registered.map_err(|error| {
        tracing::warn!(target: "imgshare_web::staff", staff = %account.id, %error, "a passkey was not enrolled");
        Refusal::PasskeyWrong
    })?;
    if account.passkeys.iter().any(|known| known.id == passkey.id) {
        return Err(Refusal::Invalid("This passkey is enrolled already.").into());
    }
    account.passkeys.push(passkey);
    Ok("passkey")
}

fn name_of(given: &str, n_known: usize) -> String {
    let name: String = given
        .chars()
        .filter(|letter| !letter.is_control())
        .take(NAME_CHARS_MAX)
        .collect();
    if name.trim().is_empty() {
        return format!("Passkey {}", n_known + 1);
    }
    name.trim().to_owned()
}
