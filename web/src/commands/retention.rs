//! `imgshare retention`: what ends, by whoever has the data folder. The service
//! that holds the database is asked where one runs; else it is opened here.

use std::fs::File;
use std::io::{self, Seek};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use imgshare_storage::audit::Anchor;
use imgshare_storage::moderation::QueueSettings;
use imgshare_storage::retention::{PLAN_MAX, Planned};
use imgshare_storage::{StorageError, Store, ViewDelta};
use sha2::{Digest, Sha256};

use super::{CommandError, output};
use crate::clock;
use crate::config::Settings;
use crate::retention::control::{self, Answer, Command};
use crate::retention::{Ended, House, views};

/// What to do about what is kept too long.
#[derive(Debug, Subcommand)]
pub enum RetentionArgs {
    /// Say what would end now. Nothing is changed.
    #[command(after_help = "Example:\n  imgshare retention plan --json | jq .")]
    Plan {
        /// One JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// End everything that is due now.
    ///
    /// The service does the same by itself, with pauses; doing it twice does no
    /// harm.
    Run {
        /// One JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Count the views in a CDN's log.
    ///
    /// Lines are those of the common log format; GETs of viewer pages and of
    /// images count when they were answered. A log is counted once: the same text
    /// again is refused, and what was cut short goes on where it was. One that has
    /// grown since is another log, so import those that are closed.
    #[command(after_help = "Example:\n  zcat cdn.log.gz | imgshare retention import-views -")]
    ImportViews {
        /// The log; - is standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Where commands go.
pub(super) enum Door<'a> {
    /// The database is open here.
    Here(House, Anchor),
    /// A service has it.
    Service(&'a Settings),
}

pub(super) fn run(
    settings: &Settings,
    arguments: &RetentionArgs,
) -> Result<ExitCode, CommandError> {
    let door = Door::open(settings)?;
    match arguments {
        RetentionArgs::Plan { json } => {
            if let Answer::Planned { jobs } = door.ask(&Command::Plan)? {
                print(&jobs, *json, planned_line)?;
            }
        }
        RetentionArgs::Run { json } => {
            if let Answer::Ended { jobs } = door.ask(&Command::Run)? {
                print(&jobs, *json, ended_line)?;
            }
        }
        RetentionArgs::ImportViews { file } => import_views(&door, file)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl<'a> Door<'a> {
    pub(super) fn open(settings: &'a Settings) -> Result<Self, CommandError> {
        let failed = |source| CommandError::Store {
            source,
            data: settings.data.clone(),
        };
        // Opening would create it.
        std::fs::metadata(settings.data.join("db")).map_err(|error| {
            let data = settings.data.display();
            CommandError::Admin(format!("there is no database in {data}: {error}"))
        })?;
        let store = match Store::open_at(&settings.data, clock::now_ms()) {
            Err(StorageError::Locked { .. }) => return Ok(Self::Service(settings)),
            other => other.map_err(failed)?,
        };
        let opened = Anchor::open(&settings.audit_dir(), &store, clock::now_ms());
        let (anchor, _) = opened.map_err(failed)?;
        let queue = QueueSettings::default();
        let house = House::over(store, settings, queue);
        Ok(Self::Here(house, anchor))
    }

    pub(super) fn ask(&self, command: &Command) -> Result<Answer, CommandError> {
        let answer = match self {
            Self::Here(house, anchor) => {
                let answer = control::obey(house, command, &mut |_, _, _| {});
                let followed = anchor.catch_up(&**house.store());
                followed.map_err(|error| CommandError::Admin(error.to_string()))?;
                answer
            }
            Self::Service(settings) => control::ask(&settings.data, command).map_err(|error| {
                CommandError::Admin(format!(
                    "the service that holds {} does not answer: {error}; stop it and run this \
                     again",
                    settings.data.display()
                ))
            })?,
        };
        match answer {
            Answer::Refused { error } => Err(CommandError::Admin(error)),
            other => Ok(other),
        }
    }
}

/// An error of a command, or of reading.
struct Failed(CommandError);

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(CommandError::Admin(format!("the log: {error}")))
    }
}

fn import_views(door: &Door<'_>, file: &std::path::Path) -> Result<(), CommandError> {
    let unreadable = |error: io::Error| {
        CommandError::Admin(format!("{} cannot be read: {error}", file.display()))
    };
    let (log, hash) = hashed(file).map_err(unreadable)?;
    let begin = Command::BeginImport { log: hash.clone() };
    door.ask(&begin)?;
    let mut number = 0;
    let mut batch = |batch: Vec<ViewDelta>| {
        let views = batch
            .iter()
            .map(|delta| (delta.id, delta.n_views, delta.day));
        let command = Command::AddViews {
            log: hash.clone(),
            number,
            views: views.collect(),
        };
        number += 1;
        door.ask(&command).map(|_| ()).map_err(Failed)
    };
    let read = views::read(log, clock::now_ms(), &mut batch).map_err(|Failed(error)| error)?;
    door.ask(&Command::EndImport { log: hash })?;
    output::line(format_args!(
        "{} views in {} lines",
        read.n_views, read.n_lines
    ))?;
    Ok(())
}

/// A log at its beginning, and the SHA-256 of all of it. What can be read only once
/// goes through a file without a name.
fn hashed(file: &std::path::Path) -> io::Result<(File, String)> {
    let mut log = if file == std::path::Path::new("-") {
        spooled(&mut io::stdin().lock())?
    } else {
        let mut opened = File::open(file)?;
        if opened.metadata()?.is_file() {
            opened
        } else {
            spooled(&mut opened)?
        }
    };
    let mut hash = Sha256::new();
    io::copy(&mut log, &mut hash)?;
    log.rewind()?;
    Ok((log, hex::encode(hash.finalize())))
}

fn spooled(from: &mut impl io::Read) -> io::Result<File> {
    let mut spool = tempfile::tempfile()?;
    io::copy(from, &mut spool)?;
    spool.rewind()?;
    Ok(spool)
}

fn print<T: serde::Serialize>(
    jobs: &[T],
    json: bool,
    line: impl Fn(&T) -> String,
) -> Result<(), CommandError> {
    for job in jobs {
        let text = if json {
            serde_json::to_string(job).expect("names and numbers can be written")
        } else {
            line(job)
        };
        if !output::line(text)? {
            break;
        }
    }
    Ok(())
}

fn planned_line(planned: &Planned) -> String {
    let more = usize::try_from(planned.n_due).is_ok_and(|n_due| n_due >= PLAN_MAX);
    let n_due = format!("{}{}", planned.n_due, if more { "+" } else { "" });
    let job = planned.job;
    let some = planned.some.join(", ");
    let line = format!(
        "{:<19} {:<5} {n_due:>7} due  {some}",
        job.as_str(),
        job.promise()
    );
    line.trim_end().to_owned()
}

fn ended_line(ended: &Ended) -> String {
    let job = ended.job;
    let mut line = format!(
        "{:<19} {:<5} {:>7} ended",
        job.as_str(),
        job.promise(),
        ended.n_done
    );
    if ended.pause_us > 0 {
        let ms = ended.pause_us / 1_000;
        line.push_str(&format!("  (writes waited for {ms} ms)"));
    }
    line
}
