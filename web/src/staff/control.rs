//! The door for `imgshare admin` while the service runs: a socket in the data
//! folder, which holds the only open database. Who may enter that folder may
//! command.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use imgshare_storage::audit::{self, Actor, Scores};
use imgshare_storage::complaints::{Complaints, CounterNotice};
use imgshare_storage::staff::Role;
use imgshare_storage::{ImageId, Keyspace, StorageError};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::admin::{self, AdminError, By, Member, OpenInvitation};
use super::guesses::Guesses;
use crate::abuse::{self, BlockAnswer, BlockCommand};
use crate::app::AppState;
use crate::clock;
use crate::config::Settings;
use crate::control_socket;
use crate::moderation::service;
use crate::moderation::thresholds::ThresholdBook;

/// Longest command, in bytes.
const COMMAND_BYTES_MAX: u64 = 4_096;

/// Counter-notices in one answer: each can be 4 KiB.
const COUNTERS_MAX: usize = 100;

/// Entries whose scores can be asked for at once: 40 bytes each in a command.
pub const AUDIT_SCORES_MAX: usize = 64;

/// Time for a command to arrive and its answer to be taken.
const TALK_TIME_MAX: Duration = Duration::from_secs(10);

/// What the operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum AdminCommand {
    /// An invitation for a role.
    Invite {
        /// The role.
        role: Role,
    },
    /// Everybody.
    List,
    /// Closes an account.
    Disable {
        /// Pseudonym or login name.
        name: String,
    },
    /// Opens it again.
    Enable {
        /// Pseudonym or login name.
        name: String,
    },
    /// Takes away the second factor.
    ResetSecondFactor {
        /// Pseudonym or login name.
        name: String,
    },
    /// Forgets failures to log in.
    Unlock {
        /// Pseudonym or login name.
        name: String,
    },
    /// The thresholds in force.
    Thresholds {
        /// Whether the settings' shall be in force again.
        reset: bool,
    },
    /// About networks that are denied.
    Block {
        /// What.
        block: BlockCommand,
    },
    /// Every open invitation.
    Invitations,
    /// Counter-notices that are open.
    CounterNotices,
    /// The claimant of a counter-notice has gone to court.
    ActionFiled {
        /// The counter-notice's receipt.
        receipt: String,
    },
    /// An image is not needed as evidence any more.
    ReleaseHold {
        /// The image's id.
        image: String,
    },
    /// Takes an invitation back.
    Revoke {
        /// As `Invitations` names it.
        name: String,
    },
    /// The scores that entries of the audit tell of, as far as they are there.
    AuditScores {
        /// Image and number of each, at most [`AUDIT_SCORES_MAX`].
        of: Vec<(ImageId, u64)>,
    },
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum AdminAnswer {
    /// The link of an invitation.
    Link {
        /// The whole address.
        url: String,
        /// How long it is good, in hours.
        hours: u64,
    },
    /// Everybody.
    Members {
        /// By pseudonym.
        members: Vec<Member>,
    },
    /// The thresholds in force.
    Thresholds {
        /// P(hentai) + P(porn) from which an image is nsfw.
        explicit: f32,
        /// P(sexy) from which it is.
        sexy: f32,
        /// From which on there is no advertising.
        ads: f32,
        /// How near a threshold people look.
        review_band: f32,
        /// Who set them, and when; the settings have them otherwise.
        set: Option<(String, u64)>,
    },
    /// Every open invitation.
    Invitations {
        /// The one that ends first at the beginning.
        invitations: Vec<OpenInvitation>,
    },
    /// Counter-notices that are open.
    CounterNotices {
        /// The one due first at the beginning.
        counters: Vec<CounterNotice>,
    },
    /// It is done.
    Done {
        /// To whom or what.
        name: String,
    },
    /// About networks that are denied.
    Block {
        /// What came of it.
        block: BlockAnswer,
    },
    /// What was asked for, in its order; `None` where it went with its image.
    AuditScores {
        /// As many as were asked for.
        scores: Vec<Option<Scores>>,
    },
    /// It was refused.
    Refused {
        /// Why.
        error: String,
    },
}

/// Does what the operator asks, over an open database.
///
/// # Errors
/// Why it was not done.
pub fn obey(
    complaints: &Complaints,
    settings: &Settings,
    command: &AdminCommand,
) -> Result<AdminAnswer, AdminError> {
    obey_in(complaints, settings, None, command)
}

/// The same with what only the service knows, where it runs.
fn obey_in(
    complaints: &Complaints,
    settings: &Settings,
    guesses: Option<&Guesses>,
    command: &AdminCommand,
) -> Result<AdminAnswer, AdminError> {
    let keys = &**complaints.queue().store();
    let by = By::operator(settings);
    let link = |code: &imgshare_storage::staff::Secret| AdminAnswer::Link {
        url: format!("{}/staff/join/{}", origin(settings), code.expose()),
        hours: settings.staff.invitation_hours_max,
    };
    let found = |name: &str| admin::find(keys, name);
    Ok(match command {
        AdminCommand::Invite { role } => link(&admin::invite(keys, &by, *role)?),
        AdminCommand::List => AdminAnswer::Members {
            members: members(keys, guesses, by.now_ms)?,
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
            link(&admin::reset_second_factor(keys, &by, &found(name)?)?)
        }
        AdminCommand::Unlock { name } => {
            let id = found(name)?;
            let login = admin::unlock(keys, &by, &id)?;
            if let Some(guesses) = guesses {
                guesses.forget(login.as_str());
            }
            done(&id)
        }
        AdminCommand::Invitations => AdminAnswer::Invitations {
            invitations: admin::invitations(keys, by.now_ms)?,
        },
        AdminCommand::CounterNotices => AdminAnswer::CounterNotices {
            counters: complaints.open_counters(COUNTERS_MAX)?,
        },
        AdminCommand::ActionFiled { receipt } => {
            let receipt = receipt.parse().map_err(|_| AdminError::NoReceipt)?;
            let closed = complaints.action_filed(&by.actor, &receipt, by.now_ms)?;
            AdminAnswer::Done {
                name: closed.image.to_string(),
            }
        }
        AdminCommand::ReleaseHold { image } => {
            let id = image.parse().map_err(|_| AdminError::NoImage)?;
            match complaints.release_hold(&by.actor, &id, by.now_ms)? {
                true => AdminAnswer::Done {
                    name: image.clone(),
                },
                false => return Err(AdminError::NotHeld),
            }
        }
        AdminCommand::Revoke { name } => {
            admin::revoke(keys, &by, name)?;
            AdminAnswer::Done { name: name.clone() }
        }
        AdminCommand::Thresholds { reset } => {
            let book = ThresholdBook::open(keys, &settings.moderation)?;
            thresholds(keys, &book, *reset, by.now_ms)?
        }
        AdminCommand::Block { block } => {
            let done = abuse::obey(keys, &by.actor, by.now_ms, block);
            match abuse::apart(done)? {
                Ok(block) => AdminAnswer::Block { block },
                Err(error) => refused(error),
            }
        }
        AdminCommand::AuditScores { of } => AdminAnswer::AuditScores {
            scores: of
                .iter()
                .take(AUDIT_SCORES_MAX)
                .map(|(image, seq)| audit::scores_at(keys, image, *seq))
                .collect::<Result<_, _>>()?,
        },
    })
}

/// The thresholds in force, after those of the settings were put back if that is
/// asked for.
fn thresholds(
    keys: &dyn Keyspace,
    book: &ThresholdBook,
    reset: bool,
    now_ms: u64,
) -> Result<AdminAnswer, StorageError> {
    if reset {
        book.reset(keys, &Actor::Operator, now_ms)?;
    }
    let in_force = book.in_force();
    let found = in_force.moderation.thresholds();
    Ok(AdminAnswer::Thresholds {
        explicit: found.explicit,
        sexy: found.sexy,
        ads: found.ads,
        review_band: found.review_band,
        set: in_force.set.map(|set| (set.by, set.at_ms)),
    })
}

/// Everybody, with the locks that only the service knows.
fn members(
    keys: &dyn Keyspace,
    guesses: Option<&Guesses>,
    now_ms: u64,
) -> Result<Vec<Member>, AdminError> {
    let mut members = admin::list(keys, now_ms)?;
    for member in &mut members {
        let locked = guesses.and_then(|guesses| guesses.locked_for_ms(&member.login, now_ms));
        member.locked_for_ms = member.locked_for_ms.max(locked);
    }
    Ok(members)
}

fn done(id: &imgshare_storage::staff::StaffId) -> AdminAnswer {
    AdminAnswer::Done {
        name: id.to_string(),
    }
}

/// Where the staff's pages are. On this machine alone they are reached by its
/// name, because browsers make no passkeys for an address.
pub(super) fn origin(settings: &Settings) -> String {
    if !settings.base_url.is_empty() {
        return settings.base_url.clone();
    }
    let scheme = settings.tls.scheme();
    let address = settings.listen;
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
        Ok(command) => {
            let (shared, asked) = (Arc::clone(app), command.clone());
            let obeyed = app.with_audit(move |store| {
                // The service's own book, so that it knows of it at once.
                if let AdminCommand::Thresholds { reset } = command {
                    let answer = thresholds(store, &shared.thresholds, reset, clock::now_ms());
                    shared.relabel.notify_one();
                    return answer.map(Ok);
                }
                let guesses = Some(&*shared.staff.guesses);
                let complaints = &shared.reporting.complaints;
                let done = match obey_in(complaints, &shared.settings, guesses, &command) {
                    Err(AdminError::Storage(error)) => return Err(error),
                    other => other,
                };
                // A command may have been about blocks.
                shared.abuse.load_blocks(store, clock::now_ms())?;
                Ok(done)
            });
            match obeyed.await {
                Ok(Ok(answer)) => {
                    release(app, &asked, &answer).await;
                    answer
                }
                Ok(Err(error)) => refused(error),
                Err(error) => refused(error),
            }
        }
    };
    control_socket::answer(&mut stream, &answer).await
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
