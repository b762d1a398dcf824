//! The staff: accounts, sessions, roles, and the pages about them.
//!
//! Every route under `/staff` is added through [`Routes`] with who may come to
//! it ([`Access`]), and answered behind one guard: transport, session, role,
//! origin and token are checked there, and every refusal is written into the
//! audit. Handlers take a [`Session`] and ask it for further [`Permission`]s.

mod account;
pub mod admin;
mod attempt;
mod audit_page;
mod bucket;
mod challenge;
mod clocks;
pub mod control;
mod csrf;
mod enrol;
mod factor;
mod guard;
mod guesses;
mod holds;
mod home;
mod join;
mod login;
mod party;
mod passkey_login;
mod password;
mod people;
mod permission;
pub(crate) mod qr;
mod recent;
mod recovery;
mod refusal;
mod requests;
mod safety;
mod session;
mod step_up;
mod totp;
mod transport;
pub mod vault;
mod webauthn;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use imgshare_storage::audit::{self, Anchor, Entry};
use imgshare_storage::staff;
use imgshare_storage::{Keyspace, StorageError, Store};
use tokio::sync::watch;

use bucket::Bucket;
use challenge::Challenges;
use guesses::Guesses;
use password::Passwords;
use transport::Transport;
pub(crate) use transport::{PLAIN_COOKIE, TLS_COOKIE};
use vault::Vault;

pub use csrf::{CSRF_FIELD, CSRF_HEADER};
pub(crate) use home::me;

pub(crate) use guard::{FOREIGN_LANE, RefusedWith};
pub use guard::{Routes, STATISTICS_API};
pub use permission::{Access, Permission};
pub use refusal::Refusal;
pub(crate) use safety::n_there as n_child_safety;
pub use session::Session;
pub(crate) use step_up::step_up_first;

use crate::app::{App, AppState};
use crate::clock;
use crate::config::Settings;
use crate::error::WebError;
use crate::routes::headers;

/// Refusals of strangers that are written at once, and one more each ten
/// seconds: 9,000 a day at most.
const STRANGERS: (u64, u64) = (200, 10_000);

/// The same for staff, who are known and can be asked.
const REFUSALS: (u64, u64) = (2_000, 500);

/// How often the audit's files follow the database by themselves.
const ANCHOR_PERIOD: Duration = Duration::from_secs(1);

/// How often what has expired is taken away, in such periods.
const SWEEP_PERIODS: u32 = 600;

/// How often it is counted who is there for child safety, in such periods.
const WATCH_PERIODS: u32 = 30;

/// What the staff's routes share.
#[derive(Debug)]
pub struct Staff {
    transport: Transport,
    passwords: Passwords,
    /// Wrong passwords of strangers.
    guesses: Arc<Guesses>,
    /// Audit entries about refused strangers, and about refused staff.
    strangers: Bucket,
    refusals: Bucket,
    anchor: OnceLock<Arc<Anchor>>,
    vault: OnceLock<Vault>,
    challenges: Challenges,
}

impl Staff {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            transport: Transport::of(settings),
            passwords: Passwords::new(settings.staff.passwords_at_once_max),
            guesses: Arc::new(Guesses::new(settings)),
            strangers: Bucket::new(STRANGERS.0, STRANGERS.1),
            refusals: Bucket::new(REFUSALS.0, REFUSALS.1),
            anchor: OnceLock::new(),
            vault: OnceLock::new(),
            challenges: Challenges::default(),
        }
    }

    /// From now on entries of the audit are copied to files.
    pub(crate) fn anchor_in(&self, anchor: Anchor) {
        // Set once, at the start of the service.
        let _ = self.anchor.set(Arc::new(anchor));
    }

    /// From now on secrets are sealed under this key, those of accounts at once.
    ///
    /// # Errors
    /// When accounts cannot be read or written.
    pub(crate) fn seal_with(&self, vault: Vault, keys: &dyn Keyspace) -> Result<(), WebError> {
        // Set once, at the start of the service.
        let vault = self.vault.get_or_init(|| vault);
        let n_sealed = vault.seal_accounts(keys)?;
        if n_sealed > 0 {
            tracing::info!(n_sealed, "secrets of authenticator apps are sealed now");
        }
        Ok(())
    }

    /// The key; one of this process where there is no folder to keep it in.
    fn vault(&self) -> Result<&Vault, WebError> {
        if let Some(vault) = self.vault.get() {
            return Ok(vault);
        }
        let passing = Vault::passing()
            .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
        Ok(self.vault.get_or_init(|| passing))
    }

    /// Writes an entry that goes with no other change.
    async fn record(&self, app: &App, entry: Entry) -> Result<(), WebError> {
        app.with_audit(move |store| audit::record(store, &entry))
            .await?;
        Ok(())
    }
}

impl Staff {
    /// Whether a request carries a session of the staff, good or not: what they
    /// look at is no view.
    pub(crate) fn is_visiting(&self, headers: &HeaderMap) -> bool {
        self.transport.token(headers).is_some()
    }

    /// What copies into the audit's files what a call has written.
    pub(crate) fn follower(&self) -> impl FnOnce(&Store) + Send + 'static + use<> {
        let anchor = self.anchor.get().cloned();
        move |store| catch_up(anchor.as_deref(), store)
    }
}

impl App {
    /// [`App::with_store`] for calls that write into the audit: what they wrote
    /// is in the audit's files when this returns.
    ///
    /// # Errors
    /// As [`App::with_store`].
    pub async fn with_audit<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, WebError> {
        let anchor = self.staff.anchor.get().cloned();
        self.with_store(move |store| {
            let value = call(store)?;
            catch_up(anchor.as_deref(), store);
            Ok(value)
        })
        .await
    }
}

/// What is decided is decided, even where the files cannot be written; the next
/// try writes it.
fn catch_up(anchor: Option<&Anchor>, store: &Store) {
    if let Some(anchor) = anchor
        && let Err(error) = anchor.catch_up(store)
    {
        tracing::error!(%error, "the audit's files do not follow the database");
    }
}

/// Follows the database with the audit's files, and takes away what expired.
pub(crate) async fn keep(app: AppState, mut stop: watch::Receiver<bool>) {
    let times = app.settings.staff.session_times();
    app.watch_child_safety(true).await;
    for period in (0..SWEEP_PERIODS).cycle() {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(ANCHOR_PERIOD) => {}
        }
        let kept = app.with_audit(move |store| {
            if period == 0 {
                staff::sweep(store, clock::now_ms(), &times)?;
            }
            Ok(())
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "expired sessions could not be taken away");
        }
        if period % WATCH_PERIODS == 0 {
            app.watch_child_safety(false).await;
            app.watch_clocks().await;
        }
    }
}

/// Every route under `/staff`.
#[must_use]
pub fn routes() -> Routes {
    login::routes()
        .and(passkey_login::routes())
        .and(join::routes())
        .and(home::routes())
        .and(account::routes())
        .and(step_up::routes())
        .and(people::routes())
        .and(audit_page::routes())
        .and(crate::abuse::routes())
        .and(crate::statistics::routes())
        .and(holds::routes())
        .and(requests::routes())
        .and(crate::moderation::api::routes())
        .and(crate::moderation::desk::routes())
}

/// The guarded router.
pub(crate) fn router(app: &AppState) -> Router<AppState> {
    routes()
        .guarded(app)
        .layer(from_fn(headers::page_policy))
        .layer(from_fn(keep_nothing))
}

/// Nothing under `/staff` is kept by anybody, and no address of it is told.
async fn keep_nothing(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
