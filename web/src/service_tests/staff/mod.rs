//! The staff's routes: who comes in, who does not, and what the audit says.

mod accounts;
mod bank;
mod decided;
mod desk;
mod lanes;
mod lawful;
mod notices;
mod queue;
mod routes;
mod rules;
mod safety;
mod ways_in;

use imgshare_storage::ImageId;
use imgshare_storage::audit::{self, Sealed};
use imgshare_storage::moderation::{Claim, Flag, Lane, Moderator, Reason};
use imgshare_storage::staff::{
    self, Account, KeptSecret, LoginName, PasswordHash, Role, Secret, SessionRecord, StaffId,
    Stage, TotpSecret,
};
use imgshare_storage::{Changes, Keyspace};
use totp_rs::{Algorithm, TOTP};

use super::*;
use crate::clock;
use crate::http::address::Peer;

/// What every account of these tests is opened with.
const PASSWORD: &str = "correct horse battery";

const TOTP_SECRET: [u8; 20] = *b"12345678901234567890";

/// A browser with its cookie.
#[derive(Debug, Clone, Default)]
struct Browser {
    cookie: String,
    csrf: String,
    /// The network it is in.
    network: u8,
}

impl Browser {
    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header(header::COOKIE, &self.cookie)
            .extension(Peer::new(([203, 0, self.network, 7], 5_000).into()))
    }

    async fn get(&self, service: &Service, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        service.send(request).await
    }

    /// Posts a form with the session's token, as the page would.
    async fn post(&self, service: &Service, path: &str, form: &str) -> Answer {
        let form = format!("csrf={}&{form}", self.csrf);
        self.post_bare(service, path, &form).await
    }

    async fn post_bare(&self, service: &Service, path: &str, form: &str) -> Answer {
        let request = self
            .request("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "http://localhost:8080")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(form.to_owned()))
            .unwrap();
        service.send(request).await
    }

    /// Calls as a script of the page would.
    async fn call(&self, service: &Service, method: &str, path: &str, body: Value) -> Answer {
        let request = self
            .request(method, path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-csrf-token", &self.csrf)
            .body(Body::from(body.to_string()))
            .unwrap();
        service.send(request).await
    }

    /// Takes the cookie of an answer, and the token of a page.
    fn take(&mut self, answer: &Answer) {
        let cookie = answer.header(header::SET_COOKIE);
        if let Some(cookie) = cookie.split(';').next().filter(|cookie| !cookie.is_empty()) {
            self.cookie = cookie.to_owned();
        }
        if let Some(csrf) = between(answer.text(), "name=\"csrf\" value=\"", "\"") {
            self.csrf = csrf.to_owned();
        }
    }

    /// The first half: a password.
    async fn log_in_bare(&self, service: &Service, login: &str) -> Answer {
        let form = format!("login={login}&password={}", PASSWORD.replace(' ', "+"));
        self.post_bare(service, "/staff/login", &form).await
    }

    /// Logs in with a password and a code.
    async fn log_in(&mut self, service: &Service, login: &str, code: &str) -> Answer {
        let answer = self.log_in_bare(service, login).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        self.take(&answer);
        let page = self.get(service, answer.header(header::LOCATION)).await;
        self.take(&page);
        let code = format!("code={code}");
        let answer = self
            .post(service, "/staff/login/second-factor", &code)
            .await;
        self.take(&answer);
        answer
    }
}

fn between<'t>(text: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    let start = text.find(before)? + before.len();
    text[start..].split(behind).next()
}

/// That an answer asks for the second factor in the place of what was asked for.
fn assert_asks_for_factor(answer: &Answer, path: &str) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    let text = answer.text();
    assert!(text.contains("Your second factor again"), "{path}: {text}");
}

/// The code of a step, counted from now.
fn code(steps: i64) -> String {
    let seconds = (clock::now_ms() / 1_000).saturating_add_signed(steps * 30);
    let totp = TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, TOTP_SECRET.to_vec());
    totp.generate(seconds)
}

fn service() -> Service {
    Service::saying(SAFE)
}

/// An account with an authenticator app, made without its owner.
fn account(service: &Service, login: &str, role: Role) -> Account {
    let salt = [3; 32];
    // As cheap as argon2 can be: these tests are not about its cost.
    let params = argon2::Params::new(8, 1, 1, Some(32)).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut hash = [0; 32];
    argon2
        .hash_password_into(PASSWORD.as_bytes(), &salt, &mut hash)
        .unwrap();
    let account = Account {
        id: StaffId::random().unwrap(),
        login: LoginName::try_from(login.to_owned()).unwrap(),
        role,
        is_disabled: false,
        password: PasswordHash {
            memory_kib: 8,
            passes: 1,
            salt,
            hash,
        },
        totp: Some(TotpSecret {
            // As accounts were kept before secrets were sealed.
            secret: KeptSecret::Clear(TOTP_SECRET),
            last_step: 0,
        }),
        passkeys: Vec::new(),
        recovery: Vec::new(),
        created_at_ms: 0,
        invited_by: "operator".to_owned(),
        generation: 0,
    };
    let mut changes = Changes::new();
    staff::add_account(&mut changes, &account);
    Keyspace::commit(&*service.app.store, changes).unwrap();
    account
}

/// A browser that is logged in as this account, session made by hand.
fn session_of(
    service: &Service,
    account: &Account,
    change: impl Fn(&mut SessionRecord),
) -> Browser {
    let now_ms = clock::now_ms();
    let mut session = SessionRecord {
        staff: account.id.clone(),
        stage: Stage::Full,
        created_at_ms: now_ms,
        seen_at_ms: now_ms,
        factor_at_ms: now_ms,
        generation: account.generation,
        challenge: None,
        offered: None,
    };
    change(&mut session);
    let token = Secret::random().unwrap();
    let mut changes = Changes::new();
    staff::add_session(&mut changes, &token, &session);
    Keyspace::commit(&*service.app.store, changes).unwrap();
    Browser {
        cookie: format!("imgshare-staff={}", token.expose()),
        csrf: token.derived("imgshare staff csrf"),
        network: 0,
    }
}

fn logged_in(service: &Service, login: &str, role: Role) -> Browser {
    session_of(service, &account(service, login, role), |_| {})
}

/// A public image.
async fn uploaded(service: &Service) -> ImageId {
    let uploaded = service.uploaded(&photo()).await;
    uploaded["id"].as_str().unwrap().parse().unwrap()
}

/// One that waits for every moderator.
async fn queued(service: &Service) -> ImageId {
    let id = uploaded(service).await;
    let flag = Flag::new(Reason::Report);
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    id
}

fn moderator_of(account: &Account) -> Moderator {
    Moderator {
        id: account.id.clone(),
        role: account.role,
    }
}

fn claimed(service: &Service, account: &Account, image: ImageId) -> Claim {
    let (queue, who) = (&service.app.queue, moderator_of(account));
    let job = queue
        .claim(&who, &Lane::ALL, &image, clock::now_ms())
        .unwrap();
    Claim {
        image,
        lease: job.lease().unwrap().token.clone(),
        version: job.version,
    }
}

/// The audit's entries, the oldest first, whose chain is checked on the way.
fn entries(service: &Service) -> Vec<Sealed> {
    let report = audit::verify(Some(&*service.app.store), None).unwrap();
    assert_eq!(report.bad, None);
    audit::entries_after(&*service.app.store, 0, usize::MAX).unwrap()
}

/// The last entry: who, what, and the code it was refused with.
fn last_refusal(service: &Service) -> (String, String, String) {
    let last = entries(service).pop().expect("there is an entry");
    let entry = last.entry;
    let code = entry.after["code"].as_str().unwrap_or_default().to_owned();
    (
        entry.actor.name().to_owned(),
        entry.action.to_string(),
        code,
    )
}
