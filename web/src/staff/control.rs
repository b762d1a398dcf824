//! The door for `imgshare admin`, `block` and parts of `rules` while the service
//! runs, which holds the only open database: a socket in the data folder. Who may
//! enter that folder may command.

mod wire;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use imgshare_storage::Keyspace;
use imgshare_storage::audit;
use imgshare_storage::complaints::{ComplaintError, Complaints};
use imgshare_storage::staff::Secret;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::admin::{self, AdminError, By, Member};
use super::guesses::Guesses;
use crate::abuse;
use crate::app::AppState;
use crate::clock;
use crate::config::Settings;
use crate::control_socket;
use crate::moderation::service;
use crate::moderation::shadow_model::{self, Compared};
use crate::moderation::thresholds::{InForce, ThresholdBook};

pub use wire::{AdminAnswer, AdminCommand};

/// Longest command, in bytes.
const COMMAND_BYTES_MAX: u64 = 4_096;

/// Counter-notices in one answer: each can be 4 KiB.
const COUNTERS_MAX: usize = 100;

/// Entries whose scores can be asked for at once: 40 bytes each in a command.
pub const AUDIT_SCORES_MAX: usize = 64;

/// Time for a command to arrive and its answer to be taken.
const TALK_TIME_MAX: Duration = Duration::from_secs(10);

/// Does what the operator asks, over an open database.
///
/// # Errors
/// Why it was not done.
pub fn obey(
    complaints: &Complaints,
    settings: &Settings,
    command: &AdminCommand,
) -> Result<AdminAnswer, AdminError> {
    let keys: &dyn Keyspace = &**complaints.queue().store();
    let book = ThresholdBook::open(keys, &settings.moderation)?;
    let known = Known {
        complaints,
        settings,
        thresholds: &book,
        guesses: None,
    };
    known.obey(command)
}

/// What commands are done with.
struct Known<'a> {
    complaints: &'a Complaints,
    settings: &'a Settings,
    /// The service's own book, where it runs, so that it knows of a change at once.
    thresholds: &'a ThresholdBook,
    /// Failures to log in, which only the service knows.
    guesses: Option<&'a Guesses>,
}

impl Known<'_> {
    fn obey(&self, command: &AdminCommand) -> Result<AdminAnswer, AdminError> {
        let keys: &dyn Keyspace = &**self.complaints.queue().store();
        let by = By::operator(self.settings);
        let found = |name: &str| admin::find(keys, name);
        Ok(match command {
            AdminCommand::Invite { role } => self.link(&admin::invite(keys, &by, *role)?),
            AdminCommand::List => AdminAnswer::Members {
                members: self.members(keys, by.now_ms)?,
            },
            AdminCommand::Disable { name } => {
                let id = found(name)?;
                admin::set_disabled(keys, &by, &id, true)?;
                done(&id)
            }
            AdminCommand::Enable { name } => {
                let id = found(name)?;
                admin::set_disabled(keys, &by, &id, false)?;
                done(&id)
            }
            AdminCommand::ResetSecondFactor { name } => {
                self.link(&admin::reset_second_factor(keys, &by, &found(name)?)?)
            }
            AdminCommand::Unlock { name } => {
                let id = found(name)?;
                let login = admin::unlock(keys, &by, &id)?;
                if let Some(guesses) = self.guesses {
                    guesses.forget(login.as_str());
                }
                done(&id)
            }
            AdminCommand::Invitations => AdminAnswer::Invitations {
                invitations: admin::invitations(keys, by.now_ms)?,
            },
            AdminCommand::Revoke { name } => {
                admin::revoke(keys, &by, name)?;
                done(name)
            }
            AdminCommand::CounterNotices => AdminAnswer::CounterNotices {
                counters: self.complaints.open_counters(COUNTERS_MAX)?,
            },
            AdminCommand::ActionFiled { receipt } => {
                let receipt = receipt.parse().map_err(|_| AdminError::NoReceipt)?;
                let closed = self
                    .complaints
                    .action_filed(&by.actor, &receipt, by.now_ms)?;
                done(&closed.image)
            }
            AdminCommand::ReleaseHold { image } => {
                let id = image.parse().map_err(|_| AdminError::NoImage)?;
                if !self.complaints.release_hold(&by.actor, &id, by.now_ms)? {
                    return Err(AdminError::NotHeld);
                }
                done(&id)
            }
            AdminCommand::Thresholds { reset } => {
                if *reset {
                    self.thresholds.reset(keys, &by.actor, by.now_ms)?;
                }
                thresholds(&self.thresholds.in_force())
            }
            AdminCommand::AuditHead => AdminAnswer::AuditHead {
                head: audit::head(keys)?,
            },
            AdminCommand::AuditScores { of } => AdminAnswer::AuditScores {
                scores: of
                    .iter()
                    .take(AUDIT_SCORES_MAX)
                    .map(|(image, seq)| audit::scores_at(keys, image, *seq))
                    .collect::<Result<_, _>>()?,
            },
            AdminCommand::ShadowModel => self.shadow_model(keys)?,
            AdminCommand::Block { block } => {
                let done = abuse::obey(keys, self.settings, (&by.actor, by.now_ms), block);
                match abuse::apart(done)? {
                    Ok(block) => AdminAnswer::Block { block },
                    Err(error) => refused(error),
                }
            }
        })
    }

    fn link(&self, code: &Secret) -> AdminAnswer {
        let origin = origin(self.settings);
        AdminAnswer::Link {
            url: format!("{origin}/staff/join/{}", code.expose()),
            hours: self.settings.staff.invitation_hours_max,
        }
    }

    /// Everybody, with the locks that only the service knows.
    fn members(&self, keys: &dyn Keyspace, now_ms: u64) -> Result<Vec<Member>, AdminError> {
        let mut members = admin::list(keys, now_ms)?;
        for member in &mut members {
            let guesses = self.guesses;
            let locked = guesses.and_then(|guesses| guesses.locked_for_ms(&member.login, now_ms));
            member.locked_for_ms = member.locked_for_ms.max(locked);
        }
        Ok(members)
    }

    fn shadow_model(&self, keys: &dyn Keyspace) -> Result<AdminAnswer, AdminError> {
        let merged = self.complaints.queue().merge_uploads();
        merged.map_err(ComplaintError::from)?;
        let counted = shadow_model::counted(keys)?;
        Ok(AdminAnswer::ShadowModel {
            found: counted.map(|(run, figures)| (run, Compared::of(&figures))),
        })
    }
}

fn thresholds(in_force: &InForce) -> AdminAnswer {
    let found = in_force.moderation.thresholds();
    AdminAnswer::Thresholds {
        explicit: found.explicit,
        sexy: found.sexy,
        ads: found.ads,
        review_band: found.review_band,
        set: in_force.set.clone().map(|set| (set.by, set.at_ms)),
    }
}

fn done(name: &impl ToString) -> AdminAnswer {
    AdminAnswer::Done {
        name: name.to_string(),
    }
}

/// Where the staff's pages are. On this machine alone they are reached by its
/// name, because browsers make no passkeys for an address.
pub(super) fn origin(settings: &Settings) -> String {
    origin_at(settings, settings.listen)
}

/// The same for a service that listens at this address, whatever the settings left open.
pub(crate) fn origin_at(settings: &Settings, address: SocketAddr) -> String {
    if !settings.base_url.is_empty() {
        return settings.base_url.clone();
    }
    let scheme = settings.tls.scheme();
    if address.ip().is_loopback() {
        return format!("{scheme}://localhost:{}", address.port());
    }
    format!("{scheme}://{address}")
}

fn socket_path(data: &Path) -> PathBuf {
    control_socket::path(data, "admin.sock")
}

/// Obeys whoever comes to the socket, until the service stops.
pub(crate) async fn serve(app: AppState, stop: watch::Receiver<bool>) {
    let path = socket_path(&app.settings.data);
    let talk = async |stream| {
        let talk = tokio::time::timeout(TALK_TIME_MAX, talk(&app, stream));
        // Who is too slow has gone.
        talk.await.unwrap_or(Ok(()))
    };
    control_socket::serve(&path, "imgshare admin", stop, talk).await;
}

async fn talk(app: &AppState, mut stream: UnixStream) -> io::Result<()> {
    let line = control_socket::read(&mut stream, COMMAND_BYTES_MAX).await?;
    let answer = match serde_json::from_str::<AdminCommand>(&line) {
        Err(error) => refused(error),
        Ok(command) => answered(app, command).await,
    };
    control_socket::answer(&mut stream, &answer).await
}

/// Does what the operator asks, and tells those parts of the service that it is
/// about.
async fn answered(app: &AppState, command: AdminCommand) -> AdminAnswer {
    let (shared, asked) = (Arc::clone(app), command.clone());
    let obeyed = app.with_audit(move |store| {
        let known = Known {
            complaints: &shared.reporting.complaints,
            settings: &shared.settings,
            thresholds: &shared.thresholds,
            guesses: Some(&shared.staff.guesses),
        };
        let done = match known.obey(&command) {
            Err(AdminError::Storage(error)) => return Err(error),
            other => other,
        };
        if matches!(command, AdminCommand::Block { .. }) {
            shared.abuse.load_blocks(store, clock::now_ms())?;
        }
        Ok(done)
    });
    let answer = match obeyed.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return refused(error),
        Err(error) => return refused(error),
    };
    if let AdminCommand::Thresholds { reset: true } = asked {
        app.relabel.notify_one();
    }
    release(app, &asked, &answer).await;
    answer
}

/// What a closed account held is for others now.
async fn release(app: &AppState, command: &AdminCommand, answer: &AdminAnswer) {
    let (AdminCommand::Disable { .. }, AdminAnswer::Done { name }) = (command, answer) else {
        return;
    };
    let Ok(id) = name.parse() else { return };
    if let Err(error) = service::release_all(app, id).await {
        tracing::warn!(%error, "leases of a closed account end by themselves");
    }
}

fn refused(error: impl std::fmt::Display) -> AdminAnswer {
    AdminAnswer::Refused {
        error: error.to_string(),
    }
}

/// Asks the service that holds this data folder.
///
/// # Errors
/// When none listens, or its answer cannot be read.
pub fn ask(data: &Path, command: &AdminCommand) -> io::Result<AdminAnswer> {
    let path = socket_path(data);
    control_socket::ask(&path, command, TALK_TIME_MAX, Some(TALK_TIME_MAX))
}
