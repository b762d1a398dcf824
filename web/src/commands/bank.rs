//! `imgshare bank`: lists of hashes that must not come back, in and out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use imgshare_storage::Store;
use imgshare_storage::audit::Actor;
use imgshare_storage::moderation::{
    BANK_CSV_HEADER, Bank, BankEntry, ListDefaults, ListReader, ModerationError, Note,
};

use super::{CommandError, output};
use crate::cli::{BankCommand, BankExportArgs, BankImportArgs, ListFormat};
use crate::clock;
use crate::config::Settings;

/// Longest line that is read, in bytes: what is longer is no entry, and is not
/// kept in memory.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Entries added together.
const BATCH: usize = 10_000;

/// Entries written between two reads.
const PAGE: usize = 1_000;

pub(super) fn run(settings: &Settings, command: &BankCommand) -> Result<ExitCode, CommandError> {
    let store =
        Store::open_at(&settings.data, clock::now_ms()).map_err(|source| CommandError::Store {
            source,
            data: settings.data.clone(),
        })?;
    let bank = Bank::new(Arc::new(store));
    match command {
        BankCommand::Import(arguments) => import(&bank, arguments),
        BankCommand::Export(arguments) => export(&bank, arguments),
    }
}

fn import(bank: &Bank, arguments: &BankImportArgs) -> Result<ExitCode, CommandError> {
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
        if entries.len() >= BATCH {
            n_read += count(&entries);
            n_added += add(bank, &mut entries, now_ms)?;
        }
    }
    n_read += count(&entries);
    n_added += add(bank, &mut entries, now_ms)?;
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

fn add(bank: &Bank, entries: &mut Vec<BankEntry>, now_ms: u64) -> Result<u64, CommandError> {
    let added = bank.import(&Actor::Operator, entries, now_ms)?;
    entries.clear();
    Ok(u64::try_from(added.len()).unwrap_or(u64::MAX))
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

fn export(bank: &Bank, arguments: &BankExportArgs) -> Result<ExitCode, CommandError> {
    if arguments.format == ListFormat::Csv {
        output::line(BANK_CSV_HEADER)?;
    }
    let mut after = None;
    loop {
        let entries = bank.entries(after.as_ref(), PAGE)?;
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
