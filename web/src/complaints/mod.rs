//! What visitors say about images, over HTTP: reports, copyright notices,
//! appeals, and the statements of reasons that answer them.
//!
//! Nothing here needs an account. A receipt is all it takes to see what became
//! of a report; the delete token proves an owner, and travels in a form's body
//! or a header, never in an address.

mod alarm;
mod copyright;
mod limiter;
mod owner;
mod refusal;
mod report;
mod reporters;
pub(crate) mod rights;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::get;
use imgshare_storage::complaints::{Category, ComplaintError, Complaints, Reach};
use imgshare_storage::moderation::{Lookup, ModerationError, Queue};
use imgshare_storage::{ImageId, State};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use alarm::ALARM_FROM;
pub use refusal::Refusal;
pub(crate) use wire::category_words;
pub use wire::{ReportStatus, Statement};

use crate::app::{App, AppState};
use crate::clock;
use crate::config::Moderation;
use crate::error::WebError;
use crate::http::address::AnonymizedIp;
use crate::moderation::gate::Gate;
use crate::moderation::rulebook::RuleBook;
use crate::routes::headers;

/// Longest body of a complaint: the longest notice in JSON, every character
/// escaped.
const BODY_BYTES_MAX: usize = 64 << 10;

/// How often days that the law names are looked at.
const KEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Images or cases treated together.
const PAGE: usize = 200;

/// What the handlers of complaints share.
pub struct Reporting {
    /// Reports, notices and appeals of the store.
    pub complaints: Complaints,
    limiter: limiter::Limiter,
    of_children: limiter::Limiter,
    hiding: limiter::Limiter,
    /// Reports of child abuse are taken one by one, so that the second one from a
    /// network about an image finds the first.
    of_children_turn: Mutex<()>,
    pub(crate) alarm: alarm::HidingAlarm,
    reporters: reporters::Reporters,
}

impl Reporting {
    /// Complaints that feed a queue, and for which the rules are asked again.
    #[must_use]
    pub fn new(queue: Arc<Queue>, rules: Arc<RuleBook>, moderation: Moderation) -> Self {
        let asked = Arc::clone(&queue);
        let complaints = Complaints::new(queue).asking(move |record, reports, now_ms| {
            let rules = rules.rules();
            let gate = Gate {
                moderation: &moderation,
                rules: &rules,
                now_ms,
            };
            if gate.rules.is_empty() {
                return Ok(None);
            }
            let known = asked.bank().lookup(&Lookup {
                sha256: record.sha256,
                pdq: record.pdq,
            })?;
            Ok(gate.reported(record, known.as_ref(), reports))
        });
        Self {
            complaints,
            of_children_turn: Mutex::default(),
            limiter: limiter::Limiter::new(limiter::COMPLAINTS),
            of_children: limiter::Limiter::new(limiter::OF_CHILDREN),
            hiding: limiter::Limiter::new(limiter::HIDING),
            alarm: alarm::HidingAlarm::default(),
            reporters: reporters::Reporters::default(),
        }
    }

    /// Takes `cost` complaints from a network.
    fn admit(&self, from: AnonymizedIp, cost: u64) -> Result<(), WebError> {
        self.limiter
            .take(from, cost, clock::now_ms())
            .map_err(|wait| Refusal::TooMany { wait }.into())
    }

    /// Takes a report from a network. One of child abuse is never one too many.
    fn admit_report(&self, from: AnonymizedIp, category: Category) -> Result<(), WebError> {
        match category {
            Category::ChildAbuse => Ok(()),
            Category::UnderAge => self
                .of_children
                .take(from, 1, clock::now_ms())
                .map_err(|wait| Refusal::TooMany { wait }.into()),
            _ => self.admit(from, 1),
        }
    }

    /// How far a report of a network reaches: after many that hid an image it is
    /// looked at as ever, and hides nothing by itself.
    fn reach(&self, from: AnonymizedIp, category: Category, now_ms: u64) -> Reach {
        let is_over = category.consequence().hides && self.hiding.take(from, 1, now_ms).is_err();
        if is_over {
            Reach::LookedAt
        } else {
            Reach::Full
        }
    }
}

impl App {
    /// Runs a call about complaints where it may block, and counts it when the
    /// store fails. What it wrote into the audit is in the audit's files when
    /// this returns.
    ///
    /// # Errors
    /// The call's own; an internal fault when it panicked.
    pub async fn with_complaints<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Reporting) -> Result<T, ComplaintError> + Send + 'static,
    ) -> Result<T, WebError> {
        let (store, follow) = (Arc::clone(&self.store), self.staff.follower());
        self.see_complaints(move |reporting| {
            let value = call(reporting)?;
            follow(&store);
            Ok(value)
        })
        .await
    }

    /// The same for a call that writes nothing.
    ///
    /// # Errors
    /// As [`App::with_complaints`].
    pub async fn see_complaints<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Reporting) -> Result<T, ComplaintError> + Send + 'static,
    ) -> Result<T, WebError> {
        let reporting = Arc::clone(&self.reporting);
        let result = tokio::task::spawn_blocking(move || call(&reporting))
            .await
            .map_err(|_| WebError::Internal("a call about complaints panicked".to_owned()))?;
        result.map_err(|error| {
            if let ComplaintError::Moderation(ModerationError::Storage(error)) = &error {
                self.metrics.store_error(error);
            }
            error.into()
        })
    }

    /// What is answered for an image that is not to be seen: that moderation
    /// removed it and why, or the same as for an unknown one.
    pub async fn not_found(&self, id: ImageId) -> WebError {
        let said = self.see_complaints(move |reporting| reporting.complaints.tombstone(&id));
        match said.await {
            Ok(Some(statement)) => Refusal::Removed(Box::new(statement)).into(),
            Ok(None) => WebError::NotFound,
            Err(error) => error,
        }
    }
}

/// Pages for browsers.
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/report/{id}", get(report::form).post(report::submit))
        .route("/report/status/{receipt}", get(report::status_page))
        .route(
            "/copyright/notice",
            get(copyright::form).post(copyright::submit),
        )
        .route("/m/{id}", get(owner::ask).post(owner::manage))
        .route("/m/{id}/export", axum::routing::post(rights::export))
        .route("/m/{id}/filename", axum::routing::post(rights::rename))
        .route(
            "/m/{id}/advertising",
            axum::routing::post(rights::advertising),
        )
        .route("/m/{id}/appeal", axum::routing::post(owner::appeal))
        .route(
            "/m/{id}/counter-notice",
            axum::routing::post(owner::counter),
        )
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(headers::page_policy))
}

/// Routes that are part of the contract.
pub fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report::report))
        .routes(routes!(report::status))
        .routes(routes!(copyright::notice))
        .routes(routes!(owner::statement))
        .routes(routes!(owner::appeal_by_api))
        .routes(routes!(owner::counter_by_api))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Restores what the law says must come back, and removes reports whose time is
/// over, every hour until the service stops.
pub async fn keep(app: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        let kept = app
            .with_complaints(|reporting| {
                let now_ms = clock::now_ms();
                let restored = reporting.complaints.restore_due(now_ms, PAGE)?;
                let expired = reporting.complaints.remove_expired(now_ms, PAGE)?;
                Ok((restored.images.len(), expired))
            })
            .await;
        match kept {
            Ok((n_restored, expired)) => {
                tracing::debug!(n_restored, ?expired, "complaints were looked through");
            }
            Err(error) => tracing::error!(%error, "complaints could not be looked through"),
        }
        let pause = tokio::time::timeout(KEEP_EVERY, stop.wait_for(|stop| *stop));
        if pause.await.is_ok() {
            return;
        }
    }
}

/// The record of an image for whoever has its token. A wrong token is told
/// apart from an unknown id only where the id's existence is no secret.
async fn owned(app: &App, id: &str, token: &str) -> Result<imgshare_storage::Record, WebError> {
    let id = crate::dto::parse_id(id).ok_or(WebError::NotFound)?;
    let is_there = |record: &imgshare_storage::Record| record.state != State::Removed;
    let found = app.with_store(move |store| store.find_if(&id, is_there));
    let Some(record) = found.await? else {
        return Err(not_theirs(app, id).await);
    };
    if record.delete_token.matches(token.trim()) {
        return Ok(record);
    }
    if crate::decision::is_known_to_strangers(record.state) {
        return Err(WebError::DeleteTokenWrong);
    }
    app.store.look_in_vain(&id);
    Err(not_theirs(app, id).await)
}

/// The same as for an image that is not to be seen, for whoever showed a token. Whether
/// the image is there still, hidden, is told to nobody: the words are the same.
async fn not_theirs(app: &App, id: ImageId) -> WebError {
    match app.not_found(id).await {
        WebError::Complaint(refusal) => match *refusal {
            Refusal::Removed(statement) => Refusal::RemovedFromOthers(statement).into(),
            other => other.into(),
        },
        error => error,
    }
}
