//! `imgshare admin`: the staff, by whoever has the data folder. The service
//! that holds the database is asked where one runs; else it is opened here.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use imgshare_storage::audit::Anchor;
use imgshare_storage::complaints::Complaints;
use imgshare_storage::moderation::{Bank, Queue, QueueSettings};
use imgshare_storage::staff::Role;
use imgshare_storage::{StorageError, Store};

use super::{CommandError, output};
use crate::clock;
use crate::config::Settings;
use crate::staff::admin::{Member, OpenInvitation};
use crate::staff::control::{self, AdminAnswer, AdminCommand};

/// What to do with the staff.
#[derive(Debug, Subcommand)]
pub enum AdminArgs {
    /// Make an invitation, and print its link. It works once, for 48 hours.
    #[command(
        after_help = "Examples:\n  imgshare admin invite --role admin\n  imgshare admin \
        invite --role moderator --data /var/lib/imgshare"
    )]
    Invite {
        /// admin, senior-moderator, moderator, child-safety or auditor.
        #[arg(long, value_name = "ROLE")]
        role: Role,
    },
    /// Name everybody.
    List,
    /// Close an account and end its sessions.
    Disable {
        /// The name shown by `list`, or the one the person logs in with.
        name: String,
    },
    /// Open a closed account again.
    Enable {
        /// The name shown by `list`, or the one the person logs in with.
        name: String,
    },
    /// Take away a lost second factor, and print a link to enrol a new one.
    ///
    /// The person needs the old password for it.
    ResetSecondFactor {
        /// The name shown by `list`, or the one the person logs in with.
        name: String,
    },
    /// Lift a lock after wrong passwords or codes.
    Unlock {
        /// The name shown by `list`, or the one the person logs in with.
        name: String,
    },
    /// Name the counter-notices that are open, the one due first at the beginning.
    CounterNotices,
    /// Note that the claimant of a counter-notice has gone to court: the image
    /// stays removed.
    ActionFiled {
        /// The counter-notice's receipt.
        receipt: String,
    },
    /// Let an image that was held as evidence be purged like any other.
    ReleaseHold {
        /// The image's id.
        image: String,
    },
    /// Name the invitations that are open.
    Invitations,
    /// Take an invitation back: its link is good for nothing from then on.
    Revoke {
        /// The name shown by `invitations`.
        name: String,
    },
}

impl AdminArgs {
    fn command(&self) -> AdminCommand {
        match self {
            Self::Invite { role } => AdminCommand::Invite { role: *role },
            Self::List => AdminCommand::List,
            Self::Disable { name } => AdminCommand::Disable { name: name.clone() },
            Self::Enable { name } => AdminCommand::Enable { name: name.clone() },
            Self::ResetSecondFactor { name } => {
                AdminCommand::ResetSecondFactor { name: name.clone() }
            }
            Self::Unlock { name } => AdminCommand::Unlock { name: name.clone() },
            Self::CounterNotices => AdminCommand::CounterNotices,
            Self::ActionFiled { receipt } => AdminCommand::ActionFiled {
                receipt: receipt.clone(),
            },
            Self::ReleaseHold { image } => AdminCommand::ReleaseHold {
                image: image.clone(),
            },
            Self::Invitations => AdminCommand::Invitations,
            Self::Revoke { name } => AdminCommand::Revoke { name: name.clone() },
        }
    }
}

pub(super) fn run(settings: &Settings, arguments: &AdminArgs) -> Result<ExitCode, CommandError> {
    print(&answered(settings, &arguments.command())?)
}

/// Has it done, by the service where one runs.
///
/// # Errors
/// When neither the service nor the store can be asked.
pub(super) fn answered(
    settings: &Settings,
    command: &AdminCommand,
) -> Result<AdminAnswer, CommandError> {
    match Store::open_at(&settings.data, clock::now_ms()) {
        Ok(store) => over(settings, Arc::new(store), command),
        Err(StorageError::Locked { .. }) => {
            control::ask(&settings.data, command).map_err(|error| {
                CommandError::Admin(format!(
                    "the service that holds {} does not answer: {error}; stop it and run this \
                     again",
                    settings.data.display()
                ))
            })
        }
        Err(source) => Err(store_error(settings, source)),
    }
}

/// Does it here, and copies what the audit says of it to its files.
fn over(
    settings: &Settings,
    store: Arc<Store>,
    command: &AdminCommand,
) -> Result<AdminAnswer, CommandError> {
    let failed = |source| store_error(settings, source);
    let opened = Anchor::open(&settings.audit_dir(), &*store, clock::now_ms());
    let (anchor, _) = opened.map_err(failed)?;
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Queue::new(Arc::clone(&store), bank, QueueSettings::default());
    let complaints = Complaints::new(Arc::new(queue));
    let answer = control::obey(&complaints, settings, command);
    let answer = answer.map_err(|error| CommandError::Admin(error.to_string()))?;
    anchor.catch_up(&*store).map_err(failed)?;
    Ok(answer)
}

fn store_error(settings: &Settings, source: StorageError) -> CommandError {
    CommandError::Store {
        source,
        data: settings.data.clone(),
    }
}

fn print(answer: &AdminAnswer) -> Result<ExitCode, CommandError> {
    match answer {
        AdminAnswer::Link { url, hours } => {
            output::line(format_args!("{url}\nIt works once, for {hours} hours."))?;
        }
        AdminAnswer::Members { members } if members.is_empty() => {
            output::line("no staff yet: imgshare admin invite --role admin")?;
        }
        AdminAnswer::Members { members } => {
            for member in members {
                if !output::line(line(member))? {
                    break;
                }
            }
        }
        AdminAnswer::Invitations { invitations } => {
            for invitation in invitations {
                if !output::line(invited(invitation))? {
                    break;
                }
            }
        }
        AdminAnswer::CounterNotices { counters } => {
            for counter in counters {
                let (from, by) = (counter.restore_from_ms, counter.restore_by_ms);
                let line = format!(
                    "{}  {}  {}, back from {} on, by {} at the latest",
                    counter.receipt,
                    counter.image,
                    counter.name.as_str(),
                    clock::rfc3339(from),
                    clock::rfc3339(by)
                );
                if !output::line(line)? {
                    break;
                }
            }
        }
        AdminAnswer::Done { name } => {
            output::line(format_args!("done: {name}"))?;
        }
        AdminAnswer::Thresholds { .. }
        | AdminAnswer::ShadowModel { .. }
        | AdminAnswer::AuditHead { .. }
        | AdminAnswer::AuditScores { .. }
        | AdminAnswer::Block { .. } => {
            return Err(CommandError::Admin(
                "the service answers another question".to_owned(),
            ));
        }
        AdminAnswer::Refused { error } => return Err(CommandError::Admin(error.clone())),
    }
    Ok(ExitCode::SUCCESS)
}

fn invited(invitation: &OpenInvitation) -> String {
    let purpose = match (&invitation.role, &invitation.renews) {
        (Some(role), _) => format!("to join as {role}"),
        (None, Some(id)) => format!("a second factor for {id}"),
        (None, None) => String::new(),
    };
    format!(
        "{}  {purpose:<34} by {}, until {}{}",
        invitation.name,
        invitation.by,
        clock::rfc3339(invitation.expires_at_ms),
        if invitation.is_begun { ", begun" } else { "" }
    )
}

fn line(member: &Member) -> String {
    let mut notes = Vec::new();
    if member.is_disabled {
        notes.push("disabled".to_owned());
    }
    if !member.has_second_factor {
        notes.push("no second factor".to_owned());
    }
    if let Some(left_ms) = member.locked_for_ms {
        notes.push(format!("locked for {} s", left_ms.div_ceil(1_000)));
    }
    let since = clock::rfc3339(member.created_at_ms);
    let line = format!(
        "{:<20} {:<17} {:<24} since {since}, by {}  {}",
        member.id,
        member.role,
        member.login,
        member.invited_by,
        notes.join(", ")
    );
    line.trim_end().to_owned()
}
