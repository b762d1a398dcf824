//! What admins must know of child safety without seeing any of it: whether
//! anybody is there for it, how much waits, and whether many images were hidden
//! in a short time.

use imgshare_storage::moderation::Lane;
use imgshare_storage::staff::{self, Role};
use imgshare_storage::{Keyspace, StorageError};

use super::{Permission, Session};
use crate::app::App;
use crate::clock;
use crate::complaints::ALARM_FROM;
use crate::error::WebError;

/// Waiting images are counted up to here.
const COUNTED_MAX: usize = 1_000;

/// Accounts that can work child safety's queue.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn n_there(keys: &dyn Keyspace) -> Result<usize, StorageError> {
    let accounts = staff::accounts(keys)?;
    let is_there = |account: &staff::Account| {
        account.role == Role::ChildSafety && !account.is_disabled && account.has_second_factor()
    };
    let there = accounts.iter().filter(|kept| is_there(&kept.value));
    Ok(there.count())
}

/// What the first page says of it to those who can do something about it.
pub(super) async fn notices(app: &App, session: &Session) -> Result<Vec<String>, WebError> {
    let is_admin = Permission::People.is_of(session.role);
    let is_expert = Permission::ChildSafety.is_of(session.role);
    let mut notices = Vec::new();
    if is_admin || is_expert {
        let n_lately = app.reporting.alarm.n_lately(clock::now_ms());
        if n_lately >= ALARM_FROM {
            notices.push(format!(
                "Reports of child abuse have hidden {n_lately} images within an hour. Somebody \
                 may be misusing them, or something bad is going on: look at them soon. They stay \
                 hidden until child safety has decided each."
            ));
        }
    }
    if !is_admin {
        return Ok(notices);
    }
    let (n_there, n_waiting) = app
        .with_queue(|queue| {
            let n_waiting = queue.count_waiting(Lane::ChildSafety, COUNTED_MAX)?;
            Ok((n_there(&**queue.store())?, n_waiting))
        })
        .await?;
    if n_there == 0 {
        notices.push(
            "Nobody is there for child safety: what is reported as child abuse is hidden, and \
             nobody can decide it. Invite somebody as child-safety."
                .to_owned(),
        );
    }
    if n_waiting > 0 {
        let n_waiting = match n_waiting {
            COUNTED_MAX => format!("{COUNTED_MAX} or more"),
            n_waiting => n_waiting.to_string(),
        };
        notices.push(format!("Waiting for child safety: {n_waiting}."));
    }
    Ok(notices)
}

impl App {
    /// Says how many are there for child safety, in the metrics and, where there
    /// is nobody, in the log.
    pub(crate) async fn watch_child_safety(&self, is_told: bool) {
        match self.with_store(|store| n_there(store)).await {
            Ok(n_there) => {
                self.metrics.child_safety_accounts(n_there);
                if n_there == 0 && is_told {
                    tracing::warn!(
                        "nobody is there for child safety: what is reported as child abuse \
                         cannot be decided; `imgshare admin invite --role child-safety`"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "accounts could not be counted"),
        }
    }
}
