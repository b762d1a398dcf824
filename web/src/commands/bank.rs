//! `imgshare bank`: lists of hashes that must not come back, in and out, and single
//! ones. The service that holds the database is asked where one runs.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imgshare_storage::audit::{Actor, Anchor};
use imgshare_storage::moderation::{
    BANK_CSV_HEADER, BadLine, Bank, BankCounts, BankEntry, BankHash, ListDefaults, ListReader,
    ModerationError, Note,
};
use imgshare_storage::{StorageError, Store};

use super::{CommandError, output};
use crate::cli::{BankCommand, BankExportArgs, BankImportArgs, ListFormat};
use crate::clock;
use crate::config::Settings;
use crate::moderation::bank_control::{self, Answer, BATCH_MAX, Command};

/// Longest line that is read, in bytes: what is longer is no entry, and is not
/// kept in memory.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Entries added together where no service runs: sorted by their hashes, of which the
/// more are neighbours the more there are. Some 50 MB.
const BATCH_HERE: usize = 100_000;

/// How often an import says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// Where the bank is.
enum Door {
    /// Here.
    Open(Box<Here>),
    /// With the service that holds this data folder.
    Service(PathBuf),
}

/// An open bank, with the audit's files, which follow.
struct Here {
    bank: Bank,
    store: Arc<Store>,
    anchor: Anchor,
}

impl Here {
    fn follow(&self) -> Result<(), CommandError> {
        let followed = self.anchor.catch_up(&*self.store);
        followed.map_err(|error| CommandError::Admin(error.to_string()))?;
        Ok(())
    }
}

impl Door {
    fn find(settings: &Settings) -> Result<Self, CommandError> {
        let failed = |source| CommandError::Store {
            source,
            data: settings.data.clone(),
        };
        let now_ms = clock::now_ms();
        let store = match Store::open_at(&settings.data, now_ms) {
            Ok(store) => Arc::new(store),
            Err(StorageError::Locked { .. }) => return Ok(Self::Service(settings.data.clone())),
            Err(source) => return Err(failed(source)),
        };
        let anchor = Anchor::open(&settings.audit_dir(), &*store, now_ms);
        let (anchor, _) = anchor.map_err(failed)?;
        let bank = Bank::new(Arc::clone(&store));
        Ok(Self::Open(Box::new(Here {
            bank,
            store,
            anchor,
        })))
    }

    fn ask(&self, command: &Command) -> Result<Answer, CommandError> {
        let answer = match self {
            Self::Open(here) => {
                let answer = bank_control::obey(&here.bank, command, clock::now_ms())?;
                here.follow()?;
                answer
            }
            Self::Service(data) => bank_control::ask(data, command).map_err(|error| {
                CommandError::Admin(format!(
                    "the service that holds {} does not answer: {error}; stop it and run this \
                     again",
                    data.display()
                ))
            })?,
        };
        match answer {
            Answer::Refused { error } => Err(CommandError::Admin(error)),
            answer => Ok(answer),
        }
    }

    /// Entries that are added together.
    fn batch(&self) -> usize {
        match self {
            Self::Open(_) => BATCH_HERE,
            Self::Service(_) => BATCH_MAX,
        }
    }

    /// Adds entries; returns how many were new.
    fn add(&self, entries: &mut Vec<BankEntry>) -> Result<u64, CommandError> {
        let entries = std::mem::take(entries);
        if entries.is_empty() {
            return Ok(0);
        }
        let Self::Open(here) = self else {
            return match self.ask(&Command::Import { entries })? {
                Answer::Imported { n_added } => Ok(n_added),
                _ => Err(another_question()),
            };
        };
        let added = here
            .bank
            .import(&Actor::Operator, &entries, clock::now_ms())?;
        here.follow()?;
        Ok(u64::try_from(added.len()).unwrap_or(u64::MAX))
    }
}

fn another_question() -> CommandError {
    CommandError::Admin("the service answers another question".to_owned())
}

pub(super) fn run(settings: &Settings, command: &BankCommand) -> Result<ExitCode, CommandError> {
    let door = Door::find(settings)?;
    match command {
        BankCommand::Import(arguments) => import(&door, arguments),
        BankCommand::Export(arguments) => export(&door, arguments),
        BankCommand::Show(arguments) => show(&door, arguments.hash),
        BankCommand::Remove(arguments) => remove(&door, arguments.hash),
    }
}

fn show(door: &Door, hash: Option<BankHash>) -> Result<ExitCode, CommandError> {
    match door.ask(&Command::Show { hash })? {
        Answer::Counts { counts } => output::line(counted(&counts))?,
        Answer::Entry { entry: Some(entry) } => output::line(entry.json_line())?,
        Answer::Entry { entry: None } => return unknown(),
        _ => return Err(another_question()),
    };
    Ok(ExitCode::SUCCESS)
}

fn counted(counts: &BankCounts) -> String {
    let BankCounts {
        n_sha256,
        n_pdq,
        n_refused,
        n_unsearched,
    } = counts;
    let n = n_sha256 + n_pdq;
    let n_queued = n.saturating_sub(*n_refused);
    format!(
        "{n} hashes: {n_pdq} of pictures (pdq), {n_sha256} of files (sha256)\nuploads that match: \
         {n_refused} refuse them, {n_queued} queue them\n{n_unsearched} are still to be looked \
         for among what is stored"
    )
}

fn remove(door: &Door, hash: BankHash) -> Result<ExitCode, CommandError> {
    match door.ask(&Command::Remove { hash })? {
        Answer::Removed { was_there: true } => {
            output::line(format_args!(
                "{hash} is no longer in the bank; what was removed for it stays removed"
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Answer::Removed { was_there: false } => unknown(),
        _ => Err(another_question()),
    }
}

fn unknown() -> Result<ExitCode, CommandError> {
    output::line("the bank does not know this hash")?;
    Ok(ExitCode::FAILURE)
}

/// How far an import is, said now and then to whoever waits.
struct Progress {
    began: Instant,
    said: Instant,
}

impl Progress {
    fn begun() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            said: now,
        }
    }

    fn say(&mut self, n_lines: u64, n_added: u64) {
        if self.said.elapsed() < SAY_EVERY {
            return;
        }
        self.said = Instant::now();
        let seconds = self.began.elapsed().as_secs();
        eprintln!("{n_lines} lines read, {n_added} hashes added, {seconds} s");
    }
}

fn import(door: &Door, arguments: &BankImportArgs) -> Result<ExitCode, CommandError> {
    let now_ms = clock::now_ms();
    let reason = Note::new(&arguments.reason)
        .map_err(|error| CommandError::Argument(format!("--reason is {error}")))?;
    let mut reader = ListReader::new(ListDefaults {
        policy: arguments.policy.into(),
        against: arguments.against.0,
        reason,
        added_by: "operator".to_owned(),
        added_at_ms: now_ms,
    });
    let mut lines = open(&arguments.file)?;
    let (mut entries, mut n_added, mut n_read, mut n_bad) = (Vec::new(), 0, 0_u64, 0_u64);
    let mut number = 0_u64;
    let mut progress = Progress::begun();
    while let Some(line) = next_line(&mut lines)? {
        number += 1;
        match reader.read(&line) {
            Ok(entry) => entries.extend(entry),
            Err(error @ BadLine::NoHashColumn) => {
                return Err(CommandError::Argument(format!(
                    "{}: {error}",
                    arguments.file.display()
                )));
            }
            Err(error) => {
                n_bad += 1;
                eprintln!("line {number}: {error}");
            }
        }
        if entries.len() >= door.batch() {
            n_read += count(&entries);
            n_added += door.add(&mut entries)?;
            progress.say(number, n_added);
        }
    }
    n_read += count(&entries);
    n_added += door.add(&mut entries)?;
    output::line(format_args!(
        "{n_added} hashes added, {} were there already, {n_bad} lines could not be read",
        n_read - n_added
    ))?;
    Ok(match n_bad {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn count(entries: &[BankEntry]) -> u64 {
    u64::try_from(entries.len()).unwrap_or(u64::MAX)
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, CommandError> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).map_err(|source| unreadable(file, source))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// The next line, cut where it is too long; `None` at the end.
fn next_line(lines: &mut dyn BufRead) -> Result<Option<String>, CommandError> {
    let mut line = Vec::new();
    let read = lines.take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    match read.map_err(|source| unreadable(Path::new("the list"), source))? {
        0 => Ok(None),
        _ => Ok(Some(String::from_utf8_lossy(&line).into_owned())),
    }
}

fn unreadable(file: &Path, source: io::Error) -> CommandError {
    CommandError::Argument(format!("cannot read {}: {source}", file.display()))
}

fn export(door: &Door, arguments: &BankExportArgs) -> Result<ExitCode, CommandError> {
    if arguments.format == ListFormat::Csv {
        output::line(BANK_CSV_HEADER)?;
    }
    let mut after = None;
    loop {
        let Answer::Entries { entries } = door.ask(&Command::Entries { after })? else {
            return Err(another_question());
        };
        for entry in &entries {
            output::line(match arguments.format {
                ListFormat::Csv => entry.csv_line(),
                ListFormat::Jsonl => entry.json_line(),
            })?;
        }
        match entries.last() {
            Some(last) => after = Some(last.hash),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

impl From<ModerationError> for CommandError {
    fn from(error: ModerationError) -> Self {
        Self::Moderation(error)
    }
}
