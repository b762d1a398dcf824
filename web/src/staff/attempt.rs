//! An attempt to prove who one is. It is counted before it is looked at, so
//! that a thousand at once are no more than one after the other.

use std::time::Duration;

use imgshare_storage::audit::{self, Action, Actor, Entry};
use imgshare_storage::staff::{Failures, Tried};
use imgshare_storage::{Changes, Keyspace, StorageError};
use serde_json::{Value, json};

use super::Refusal;
use crate::app::App;
use crate::error::WebError;

const LOGIN_REFUSED: Action = Action::new("staff-login-refused");

/// A counted attempt.
#[derive(Clone)]
pub(super) struct Attempt {
    login: String,
    before: Failures,
    counted: Failures,
}

impl Attempt {
    /// Counts an attempt with a name, whether or not it is anybody's.
    ///
    /// # Errors
    /// [`Refusal::Locked`] and [`Refusal::Busy`]: it is not looked at.
    pub(super) async fn begin(app: &App, login: &str, now_ms: u64) -> Result<Self, WebError> {
        if !app.staff.failures.has_some(now_ms) {
            return Err(Refusal::Busy.into());
        }
        let rules = app.settings.staff.lockout_rules();
        let name = login.to_owned();
        let begun = app.with_store(move |store| {
            audit::commit(store, |changes| {
                let tried = Tried::read(store, &name)?;
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
                login: login.to_owned(),
                before,
                counted,
            }),
            Ok(Err(left_ms)) => Err(Refusal::Locked {
                wait: Duration::from_millis(left_ms),
            }
            .into()),
            // Too many with this name at the same moment.
            Err(WebError::Storage(StorageError::Stale { .. })) => Err(Refusal::Busy.into()),
            Err(error) => Err(error),
        }
    }

    /// It was wrong: that stays counted, and the audit is told.
    pub(super) async fn wrong(
        self,
        app: &App,
        refusal: &Refusal,
        actor: Actor,
        now_ms: u64,
    ) -> Result<(), WebError> {
        app.staff.failures.take(now_ms);
        let told = match actor {
            Actor::Visitor => app.staff.strangers.take(now_ms),
            _ => app.staff.refusals.take(now_ms),
        };
        let Some(n_left_out) = told else {
            return Ok(());
        };
        let mut said = json!({
            "code": refusal.status_and_code().1,
            "in_a_row": self.counted.count,
        });
        if let Some(locked_ms) = self.counted.locked_for_ms(now_ms) {
            said["locked_seconds"] = json!(locked_ms / 1_000);
        }
        if n_left_out > 0 {
            said["left_out"] = json!(n_left_out);
        }
        let entry = Entry::new(now_ms, actor, LOGIN_REFUSED).changed(Value::Null, said);
        app.staff.record(app, entry).await
    }

    /// It was none, or half of what is asked: the count is as it was, unless
    /// others have failed meanwhile.
    pub(super) async fn take_back(self, app: &App) -> Result<(), WebError> {
        app.with_store(move |store| {
            let tried = Tried::read(store, &self.login)?;
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
        Tried::read(keys, &self.login)?.forget(changes);
        Ok(())
    }
}
