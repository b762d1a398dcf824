//! `/staff/login/passkey`: a passkey that knows whose it is, and that its owner
//! proved to it who they are, by finger, face or PIN. Those are two factors in
//! one: no name, no password, nothing that another site could be told.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use imgshare_storage::audit::{self, Actor, Entry};
use imgshare_storage::staff::{self, Account, Kept, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempt;
use super::guesses::Guesses;
use super::login::{
    LOGGED_IN, Onward, Used, begin_session, go, new_token, once_with_audit, onward, refused,
};
use super::{Access, Refusal, Routes, party, webauthn};
use crate::app::App;
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::http::address::AnonymizedIp;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

pub(super) fn routes() -> Routes {
    Routes::new().at("/staff/login/passkey", Access::Anyone, post(check))
}

/// What the page to log in asks an authenticator; `None` where browsers make no
/// passkeys, and where there is no randomness for a challenge.
pub(super) fn options(app: &App, headers: &HeaderMap) -> Option<String> {
    let party = party::of(app, headers)?;
    let challenge = app.staff.challenges.draw(clock::now_ms());
    let challenge = challenge
        .inspect_err(|error| tracing::error!(%error, "no challenge for a passkey"))
        .ok()?;
    Some(webauthn::sign_in_options(&party, &challenge).to_string())
}

#[derive(Deserialize)]
struct PasskeyForm {
    credential: String,
}

async fn check(
    State(app): State<AppState>,
    from: AnonymizedIp,
    headers: HeaderMap,
    Query(query): Query<Onward>,
    form: Result<Form<PasskeyForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    match by_passkey(&app, from, &headers, &form.credential).await {
        Ok(token) => {
            app.staff.guesses.know(from);
            Ok(go(&app, onward(&query.to), Some(&token)))
        }
        Err(WebError::Staff(refusal)) => {
            let site = Visitor::of(&app, &headers).site;
            let (to, asked) = (onward(&query.to), options(&app, &headers));
            Ok(refused(&refusal, |words| {
                pages::login(&site, to, "", Some(words), asked.as_deref())
            }))
        }
        Err(error) => Err(error),
    }
}

/// Opens a whole session.
async fn by_passkey(
    app: &App,
    from: AnonymizedIp,
    headers: &HeaderMap,
    credential: &str,
) -> Result<Secret, WebError> {
    let now_ms = clock::now_ms();
    let guess = Guesses::begin_nameless(&app.staff.guesses, from, now_ms)?;
    let Some((account, proved)) = proved(app, headers, credential, now_ms).await? else {
        let (refusal, counted) = (Refusal::PasskeyWrong, guess.failures());
        drop(guess);
        attempt::tell_wrong(app, &refusal, Actor::Visitor, counted, now_ms).await?;
        return Err(refusal.into());
    };
    let token = new_token()?;
    let actor = Actor::Staff {
        id: proved.id.clone(),
        role: proved.role,
    };
    let entry =
        Entry::new(now_ms, actor, LOGGED_IN).changed(Value::Null, json!({"passkey_alone": true}));
    let new = token.clone();
    let done = app.with_audit(move |store| {
        once_with_audit(store, |changes| {
            account.replace(changes, &proved);
            begin_session(changes, &new, &proved, now_ms);
            audit::append(store, changes, entry.clone())?;
            Ok(())
        })
    });
    if let Err(Used) = done.await? {
        return Err(Refusal::PasskeyWrong.into());
    }
    guess.right();
    Ok(token)
}

/// The open account that a credential proves, as it was and as it is afterwards.
/// Its challenge is used up with it.
async fn proved(
    app: &App,
    headers: &HeaderMap,
    credential: &str,
    now_ms: u64,
) -> Result<Option<(Kept<Account>, Account)>, WebError> {
    let said = webauthn::said_of(credential);
    let (Some(party), Some((id, challenge))) = (party::of(app, headers), said) else {
        return Ok(None);
    };
    if !app.staff.challenges.is_good(&challenge, now_ms)? {
        return Ok(None);
    }
    let accounts = app.with_store(|store| staff::accounts(store)).await?;
    let bears = |kept: &Kept<Account>| {
        let passkeys = &kept.value.passkeys;
        !kept.value.is_disabled && passkeys.iter().any(|passkey| passkey.id == id)
    };
    // Ids are the authenticators' to choose; the signature says whose it is.
    for kept in accounts.into_iter().filter(bears) {
        let known = &kept.value.passkeys;
        let asserted = webauthn::assert_verified(&party, &challenge, credential, known);
        match asserted {
            Ok((index, sign_count)) if app.staff.challenges.spend(&challenge) => {
                let mut account = kept.value.clone();
                account.passkeys[index].sign_count = sign_count;
                return Ok(Some((kept, account)));
            }
            Ok(_) => return Ok(None),
            Err(error) => {
                tracing::warn!(target: "imgshare_web::staff", staff = %kept.value.id, %error, "a passkey was refused");
            }
        }
    }
    Ok(None)
}
