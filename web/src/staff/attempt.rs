//! An attempt of somebody with a session to prove who they are. It is counted
//! for the account before it is looked at, so that a thousand at once are no
//! more than one after the other. Half and whole sessions are counted apart:
//! who has found a password out cannot lock its owner out of a session.

use std::time::Duration;

use imgshare_storage::audit::{self, Action, Actor, Entry};
use imgshare_storage::staff::{Account, Failures, StaffId, Stage, Tried};
use imgshare_storage::{Changes, Keyspace, StorageError};
use serde_json::{Value, json};

use super::Refusal;
use super::session::Caller;
use crate::app::App;
use crate::error::WebError;

const LOGIN_REFUSED: Action = Action::new("staff-login-refused");

/// A counted attempt.
#[derive(Clone)]
pub(super) struct Attempt {
    name: String,
    before: Failures,
    counted: Failures,
}

impl Attempt {
    /// Counts an attempt by the owner of a session.
    ///
    /// # Errors
    /// [`Refusal::Locked`] and [`Refusal::Busy`]: it is not looked at.
    pub(super) async fn begin(app: &App, caller: &Caller, now_ms: u64) -> Result<Self, WebError> {
        let rules = app.settings.staff.lockout_rules();
        let name = name(&caller.live.account.value.id, caller.stage());
        let tried = name.clone();
        let begun = app.with_store(move |store| {
            audit::commit(store, |changes| {
                let tried = Tried::read(store, &tried)?;
                let before = tried.failures();
                if let Some(left_ms) = before.locked_for_ms(now_ms) {
                    return Ok(Err(left_ms));
                }
                let counted = tried.fail(changes, now_ms, &rules);
                Ok::<_, StorageError>(Ok((before, counted)))
            })
        });
        match begun.await {
            Ok(Ok((before, counted))) => Ok(Self {
                name,
                before,
                counted,
            }),
            Ok(Err(left_ms)) => Err(Refusal::Locked {
                wait: Duration::from_millis(left_ms),
            }
            .into()),
            // Too many of this account at the same moment.
            Err(WebError::Storage(StorageError::Stale { .. })) => Err(Refusal::Busy.into()),
            Err(error) => Err(error),
        }
    }

    /// It was wrong: that stays counted, and the audit is told. What could not be
    /// looked at is nobody's failure but ours.
    pub(super) async fn wrong(
        self,
        app: &App,
        refusal: &Refusal,
        actor: Actor,
        now_ms: u64,
    ) -> Result<(), WebError> {
        if *refusal == Refusal::SecretUnreadable {
            tracing::error!(
                staff = actor.name(),
                "the key of second factors is missing or another one: put it back, or run \
                 `imgshare admin reset-second-factor`"
            );
            tell_wrong(app, refusal, actor, self.before, now_ms).await?;
            return self.take_back(app).await;
        }
        tell_wrong(app, refusal, actor, self.counted, now_ms).await
    }

    /// It was none, or half of what is asked: the count is as it was, unless
    /// others have failed meanwhile.
    pub(super) async fn take_back(self, app: &App) -> Result<(), WebError> {
        app.with_store(move |store| {
            let tried = Tried::read(store, &self.name)?;
            if tried.failures() != self.counted {
                return Ok(());
            }
            let mut changes = Changes::new();
            tried.restore(&mut changes, &self.before);
            match Keyspace::commit(store, changes) {
                Err(StorageError::Stale { .. }) => Ok(()),
                other => other,
            }
        })
        .await
    }

    /// It was right: everything before it is forgotten, in the same commit.
    pub(super) fn forget(
        &self,
        keys: &dyn Keyspace,
        changes: &mut Changes,
    ) -> Result<(), StorageError> {
        Tried::read(keys, &self.name)?.forget(changes);
        Ok(())
    }
}

/// What an account's failures are counted under; no login name has a space.
fn name(id: &StaffId, stage: Stage) -> String {
    let stage = match stage {
        Stage::SecondFactor => "half",
        Stage::Full => "whole",
    };
    format!("{id} {stage}")
}

/// What is counted of an account's sessions, half and whole.
///
/// # Errors
/// When it cannot be read.
pub(super) fn tried(keys: &dyn Keyspace, account: &Account) -> Result<[Tried; 2], StorageError> {
    let of = |stage| Tried::read(keys, &name(&account.id, stage));
    Ok([of(Stage::SecondFactor)?, of(Stage::Full)?])
}

/// Writes into the audit that somebody failed to prove who they are. Strangers
/// can cause as many of these as they like, so theirs are bounded; the next one
/// says how many were left out.
pub(super) async fn tell_wrong(
    app: &App,
    refusal: &Refusal,
    actor: Actor,
    counted: Failures,
    now_ms: u64,
) -> Result<(), WebError> {
    let told = match actor {
        Actor::Visitor => app.staff.strangers.take(now_ms),
        _ => app.staff.refusals.take(now_ms),
    };
    let Some(n_left_out) = told else {
        return Ok(());
    };
    let mut said = json!({
        "code": refusal.status_and_code().1,
        "in_a_row": counted.count,
    });
    if let Some(locked_ms) = counted.locked_for_ms(now_ms) {
        said["locked_seconds"] = json!(locked_ms / 1_000);
    }
    if n_left_out > 0 {
        said["left_out"] = json!(n_left_out);
    }
    let entry = Entry::new(now_ms, actor, LOGIN_REFUSED).changed(Value::Null, said);
    app.staff.record(app, entry).await
}
