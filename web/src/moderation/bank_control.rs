//! The door for `imgshare bank` while the service runs: a socket in the data
//! folder, which holds the only open database. Who may enter that folder may
//! command. Lists come in batches, a command each.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use imgshare_storage::audit::Actor;
use imgshare_storage::moderation::{
    Bank, BankCounts, BankEntry, BankHash, ModerationError, TakenOff,
};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::keeper;
use crate::app::AppState;
use crate::{clock, control_socket};

/// Entries of one command, and of one answer.
pub const BATCH_MAX: usize = 2_000;

/// Longest command, in bytes: a batch with the longest of reasons.
const COMMAND_BYTES_MAX: u64 = 8 << 20;

/// Time for a command to arrive and its answer to be taken.
const TALK_TIME_MAX: Duration = Duration::from_secs(10);

/// What the operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Adds entries, those whose hash is not there yet.
    Import {
        /// At most [`BATCH_MAX`].
        entries: Vec<BankEntry>,
    },
    /// Names entries, in the order of their hashes.
    Entries {
        /// The last one of the page before.
        after: Option<BankHash>,
    },
    /// Counts entries, or names one.
    Show {
        /// Which.
        hash: Option<BankHash>,
    },
    /// Takes an entry out. What was removed because of it stays so.
    Remove {
        /// Which.
        hash: BankHash,
    },
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Entries were added.
    Imported {
        /// How many were new.
        n_added: u64,
    },
    /// A page of entries; an empty one is behind the last.
    Entries {
        /// At most [`BATCH_MAX`].
        entries: Vec<BankEntry>,
    },
    /// How many entries there are.
    Counts {
        /// By kind.
        counts: BankCounts,
    },
    /// One entry; `None` where there is none.
    Entry {
        /// All of it.
        entry: Option<Box<BankEntry>>,
    },
    /// An entry was to be taken out.
    Removed {
        /// Whether there was one.
        was_there: bool,
    },
    /// It was refused.
    Refused {
        /// Why.
        error: String,
    },
}

/// Does what the operator asks, over an open bank.
///
/// # Errors
/// The store's.
pub fn obey(bank: &Bank, command: &Command, now_ms: u64) -> Result<Answer, ModerationError> {
    Ok(match command {
        Command::Import { entries } if entries.len() > BATCH_MAX => {
            refused(format_args!("more than {BATCH_MAX} entries at once"))
        }
        Command::Import { entries } => {
            let added = bank.import(&Actor::Operator, entries, now_ms)?;
            Answer::Imported {
                n_added: u64::try_from(added.len()).unwrap_or(u64::MAX),
            }
        }
        Command::Entries { after } => Answer::Entries {
            entries: bank.entries(after.as_ref(), BATCH_MAX)?,
        },
        Command::Show { hash: None } => Answer::Counts {
            counts: bank.counts()?,
        },
        Command::Show { hash: Some(hash) } => Answer::Entry {
            entry: bank.entry(hash)?.map(Box::new),
        },
        Command::Remove { hash } => Answer::Removed {
            was_there: bank.remove(&Actor::Operator, hash, &TakenOff::default(), now_ms)?,
        },
    })
}

fn refused(error: impl std::fmt::Display) -> Answer {
    Answer::Refused {
        error: error.to_string(),
    }
}

fn socket_path(data: &Path) -> PathBuf {
    control_socket::path(data, "bank.sock")
}

/// Obeys whoever comes to the socket, until the service stops.
pub(crate) async fn serve(app: AppState, stop: watch::Receiver<bool>) {
    let path = socket_path(&app.settings.data);
    let talk = |stream| talk(&app, stream);
    control_socket::serve(&path, "imgshare bank", stop, talk).await;
}

async fn talk(app: &AppState, mut stream: UnixStream) -> io::Result<()> {
    let read = control_socket::read(&mut stream, COMMAND_BYTES_MAX);
    let read = tokio::time::timeout(TALK_TIME_MAX, read);
    let line = read.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let obeyed = app.with_queue(move |queue| match serde_json::from_str(&line) {
        Ok(command) => obey(queue.bank(), &command, clock::now_ms()),
        Err(error) => Ok(refused(error)),
    });
    let answer = obeyed.await.unwrap_or_else(refused);
    if matches!(answer, Answer::Imported { n_added: 1.. }) {
        // Copies that are stored go within moments.
        keeper::ring(app);
    }
    let sent = control_socket::answer(&mut stream, &answer);
    // Who is too slow has gone.
    tokio::time::timeout(TALK_TIME_MAX, sent)
        .await
        .unwrap_or(Ok(()))
}

/// Asks the service that holds this data folder.
///
/// # Errors
/// When none listens, or its answer cannot be read.
pub fn ask(data: &Path, command: &Command) -> io::Result<Answer> {
    control_socket::ask(&socket_path(data), command, TALK_TIME_MAX, None)
}
