//! `imgshare bank`: lists of hashes that must not come back, in and out. The
//! service that holds the database is asked where one runs.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use imgshare_storage::moderation::{
    BANK_CSV_HEADER, Bank, BankEntry, ListDefaults, ListReader, ModerationError, Note,
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

/// Where the bank is.
enum Door {
    /// Here.
    Open(Bank),
    /// With the service that holds this data folder.
    Service(PathBuf),
}

impl Door {
    fn find(settings: &Settings) -> Result<Self, CommandError> {
        match Store::open_at(&settings.data, clock::now_ms()) {
            Ok(store) => Ok(Self::Open(Bank::new(Arc::new(store)))),
            Err(StorageError::Locked { .. }) => Ok(Self::Service(settings.data.clone())),
            Err(source) => Err(CommandError::Store {
                source,
                data: settings.data.clone(),
            }),
        }
    }

    fn ask(&self, command: &Command) -> Result<Answer, CommandError> {
        let answer = match self {
            Self::Open(bank) => bank_control::obey(bank, command, clock::now_ms())?,
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
}

fn another_question() -> CommandError {
    CommandError::Admin("the service answers another question".to_owned())
}

pub(super) fn run(settings: &Settings, command: &BankCommand) -> Result<ExitCode, CommandError> {
    let door = Door::find(settings)?;
    match command {
        BankCommand::Import(arguments) => import(&door, arguments),
        BankCommand::Export(arguments) => export(&door, arguments),
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
    while let Some(line) = next_line(&mut lines)? {
        number += 1;
        match reader.read(&line) {
            Ok(entry) => entries.extend(entry),
            Err(error) => {
                n_bad += 1;
                eprintln!("line {number}: {error}");
            }
        }
        if entries.len() >= BATCH_MAX {
            n_read += count(&entries);
            n_added += add(door, &mut entries)?;
        }
    }
    n_read += count(&entries);
    n_added += add(door, &mut entries)?;
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

fn add(door: &Door, entries: &mut Vec<BankEntry>) -> Result<u64, CommandError> {
    if entries.is_empty() {
        return Ok(0);
    }
    let entries = std::mem::take(entries);
    match door.ask(&Command::Import { entries })? {
        Answer::Imported { n_added } => Ok(n_added),
        _ => Err(another_question()),
    }
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
