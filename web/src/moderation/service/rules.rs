//! Rules as handlers change them: where it may block, logged, and with a second
//! factor that is fresh, since they decide about everything that comes.

use std::sync::Arc;
use std::time::Duration;

use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::moderation::gate::Gate;
use crate::moderation::replay::Replay;
use crate::moderation::rulebook::RuleBookError;
use crate::moderation::rules::{self, Rule};
use crate::staff::{Permission, Refusal, Session};

/// Images named for each change.
const IMAGES: usize = 20;

/// How long a preview may take.
const PREVIEW_TIME_MAX: Duration = Duration::from_secs(10);

/// Puts other rules in force.
///
/// # Errors
/// [`WebError::RulesUnusable`], a second factor that is not fresh, and the store's.
pub async fn set(app: &AppState, session: &Session, rules: Vec<Rule>) -> Result<(), WebError> {
    session.may(Permission::Rules)?;
    let (actor, now_ms) = (session.actor(), clock::now_ms());
    session.needs_fresh_factor(now_ms)?;
    let this = Arc::clone(app);
    let set =
        app.with_queue(move |queue| Ok(this.rules.set(&**queue.store(), &actor, rules, now_ms)));
    match set.await? {
        Ok(()) => Ok(()),
        Err(RuleBookError::Store(error)) => Err(error.into()),
        Err(error) => Err(WebError::RulesUnusable(error.to_string())),
    }
}

/// What these rules would change about what is stored, the first it finds in ten
/// seconds. It goes on after its client has left: the turn is its own until then.
///
/// # Errors
/// [`WebError::RulesUnusable`], [`Refusal::PreviewBusy`], and the store's.
pub async fn preview(app: &AppState, rules: Vec<Rule>) -> Result<Replay, WebError> {
    rules::check(&rules).map_err(|error| WebError::RulesUnusable(error.to_string()))?;
    let turn = app.rules.preview_turn().ok_or(Refusal::PreviewBusy)?;
    let moderation = app.thresholds.moderation();
    app.with_queue(move |queue| {
        let _turn = turn;
        let gate = Gate {
            moderation: &moderation,
            rules: &rules,
            now_ms: clock::now_ms(),
        };
        Replay::run(queue, &gate, IMAGES, Some(PREVIEW_TIME_MAX))
    })
    .await
}
