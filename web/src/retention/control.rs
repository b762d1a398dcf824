//! The door for `imgshare retention` while the service runs: a socket in the data
//! folder, which holds the only open database. Who may enter that folder may
//! command. One command at a time: what it does may take long.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use imgshare_storage::backup::{self, BackupKey, DAYS_MAX, Made};
use imgshare_storage::retention::{self, Did, Job, Planned};
use imgshare_storage::{ImageId, Store, ViewDelta};
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::{Ended, House, Sight, views};
use crate::app::{App, AppState};
use crate::{clock, control_socket};

/// Longest command, in bytes: a batch of views, 50 bytes each.
const COMMAND_BYTES_MAX: u64 = 512 << 10;

/// Time for a command to arrive. Its answer takes as long as it takes.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(10);

/// What the operator can ask for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// What would end now.
    Plan,
    /// The end of everything that is due.
    Run,
    /// How late things are, what others may open, whether the log can be written.
    Look,
    /// A backup.
    Backup {
        /// Its folder, as a whole path.
        to: PathBuf,
        /// Its key, as text.
        key: String,
        /// Days that backups are kept.
        days_max: u32,
    },
    /// The beginning of a CDN's log.
    BeginImport {
        /// Its SHA-256, in hexadecimal.
        log: String,
    },
    /// Views that a CDN has answered.
    AddViews {
        /// The log's SHA-256.
        log: String,
        /// Which batch of it, counted from 0.
        number: u64,
        /// Image, number, day of the last, counted from 1970-01-01.
        views: Vec<(ImageId, u64, u32)>,
    },
    /// The end of a CDN's log.
    EndImport {
        /// Its SHA-256.
        log: String,
    },
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// What would end.
    Planned {
        /// By job.
        jobs: Vec<Planned>,
    },
    /// What has ended.
    Ended {
        /// By job.
        jobs: Vec<Ended>,
    },
    /// What a look found.
    Looked {
        /// How things stand.
        sight: Sight,
    },
    /// What a backup did.
    BackedUp {
        /// What.
        made: Made,
    },
    /// It is done.
    Done,
    /// It was refused.
    Refused {
        /// Why.
        error: String,
    },
}

/// Does what the operator asks, over an open database. What is gone leaves every
/// cache through `gone`.
pub fn obey(
    house: &House,
    command: &Command,
    gone: &mut dyn FnMut(Job, &Did, &[ImageId]),
) -> Answer {
    // Whoever asks has moved the clock just before, if it is moved at all.
    clock::look_again();
    let now_ms = clock::now_ms();
    let answer = match command {
        Command::Plan => house.plan(now_ms).map(|jobs| Answer::Planned { jobs }),
        Command::Run => house.run(now_ms, gone).map(|jobs| Answer::Ended { jobs }),
        Command::Look => house.look(now_ms).map(|sight| Answer::Looked { sight }),
        Command::Backup { to, key, days_max } => {
            let made = back_up(house, to, key, *days_max, now_ms);
            return made.map_or_else(refused, |made| Answer::BackedUp { made });
        }
        Command::BeginImport { log }
        | Command::AddViews { log, .. }
        | Command::EndImport { log } => {
            let done = import(house.store(), log, command, now_ms);
            return done.map_or_else(refused, |()| Answer::Done);
        }
    };
    answer.unwrap_or_else(refused)
}

/// A step of the import of a CDN's log, which is counted once.
fn import(store: &Store, log: &str, command: &Command, now_ms: u64) -> Result<(), String> {
    let mut hash = retention::LogHash::default();
    hex::decode_to_slice(log, &mut hash).map_err(|error| format!("the log's hash: {error}"))?;
    let done = match command {
        Command::AddViews { views, .. } if views.len() > views::BATCH_MAX => {
            return Err(format!("more than {} views at once", views::BATCH_MAX));
        }
        Command::AddViews { number, views, .. } => {
            let deltas = views
                .iter()
                .map(|&(id, n_views, day)| ViewDelta { id, n_views, day });
            let deltas: Vec<ViewDelta> = deltas.collect();
            retention::import_batch(store, &hash, *number, &deltas, now_ms)
        }
        Command::EndImport { .. } => retention::end_import(store, &hash, now_ms),
        _ => retention::begin_import(store, &hash, now_ms).map(|_| ()),
    };
    done.map_err(|error| error.to_string())
}

fn back_up(
    house: &House,
    to: &Path,
    key: &str,
    days_max: u32,
    now_ms: u64,
) -> Result<Made, String> {
    let key = BackupKey::parse(key).map_err(|error| error.to_string())?;
    let days_max = days_max.min(DAYS_MAX);
    let made = backup::make(house.store(), to, &key, now_ms, days_max, &mut || {});
    made.map_err(|error| error.to_string())
}

fn refused(error: impl std::fmt::Display) -> Answer {
    Answer::Refused {
        error: error.to_string(),
    }
}

fn socket_path(data: &Path) -> PathBuf {
    control_socket::path(data, "retention.sock")
}

/// Obeys whoever comes to the socket, until the service stops.
pub(crate) async fn serve(app: AppState, stop: watch::Receiver<bool>) {
    let path = socket_path(&app.settings.data);
    let talk = |stream| talk(&app, stream);
    control_socket::serve(&path, "imgshare retention", stop, talk).await;
}

async fn talk(app: &AppState, mut stream: UnixStream) -> io::Result<()> {
    let read = control_socket::read(&mut stream, COMMAND_BYTES_MAX);
    let read = tokio::time::timeout(COMMAND_TIME_MAX, read);
    let line = read.await.map_err(|_| io::ErrorKind::TimedOut)??;
    let answer = match serde_json::from_str::<Command>(&line) {
        Err(error) => refused(error),
        Ok(command) => {
            let app = Arc::clone(app);
            let obeyed = tokio::task::spawn_blocking(move || obey_here(&app, &command));
            obeyed.await.unwrap_or_else(|_| refused("it panicked"))
        }
    };
    control_socket::answer(&mut stream, &answer).await
}

fn obey_here(app: &App, command: &Command) -> Answer {
    let house = House::of(app);
    let follow = app.staff.follower();
    let answer = obey(&house, command, &mut |job, did, gone| {
        for id in gone {
            app.cache.remove(*id);
        }
        app.metrics.retention.did(job, did);
    });
    follow(house.store());
    let now_ms = clock::now_ms();
    if let Ok(ages) = house.retention().ages(now_ms) {
        app.metrics.retention.aged(&ages, now_ms);
    }
    answer
}

/// Asks the service that holds this data folder.
///
/// # Errors
/// When none listens, or its answer cannot be read.
pub fn ask(data: &Path, command: &Command) -> io::Result<Answer> {
    control_socket::ask(&socket_path(data), command, COMMAND_TIME_MAX, None)
}
