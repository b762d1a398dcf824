//! `imgshare bank`: lists of hashes that must not come back, in and out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imgshare_storage::audit::{Actor, Anchor};
use imgshare_storage::moderation::{
    BANK_CSV_HEADER, Bank, BankCounts, BankEntry, BankHash, ListDefaults, ListReader,
    ModerationError, Note,
};
use imgshare_storage::{StorageError, Store};

use super::{CommandError, admin, output};
use crate::cli::{BankCommand, BankExportArgs, BankImportArgs, ListFormat};
use crate::clock;
use crate::config::Settings;
use crate::staff::control::{AdminAnswer, AdminCommand};

/// Longest line that is read, in bytes: what is longer is no entry, and is not
/// kept in memory.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Entries added together: sorted by their hashes, of which the more are neighbours
/// the more there are. Some 50 MB.
const BATCH: usize = 100_000;

/// How often an import says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// Entries written between two reads.
const PAGE: usize = 1_000;

pub(super) fn run(settings: &Settings, command: &BankCommand) -> Result<ExitCode, CommandError> {
    match command {
        BankCommand::Import(arguments) => {
            let store = Arc::new(opened(settings)?);
            let failed = |source| store_error(settings, source);
            let anchor = Anchor::open(&settings.audit_dir(), &*store, clock::now_ms());
            let (anchor, _) = anchor.map_err(failed)?;
            let imported = import(&Bank::new(Arc::clone(&store)), arguments);
            // What was added before a failure is in the audit too.
            anchor.catch_up(&*store).map_err(failed)?;
            imported
        }
        BankCommand::Export(arguments) => {
            export(&Bank::new(Arc::new(opened(settings)?)), arguments)
        }
        BankCommand::Show(arguments) => show(settings, arguments.hash),
        BankCommand::Remove(arguments) => remove(settings, arguments.hash),
    }
}

fn opened(settings: &Settings) -> Result<Store, CommandError> {
    Store::open_at(&settings.data, clock::now_ms()).map_err(|source| store_error(settings, source))
}

fn store_error(settings: &Settings, source: StorageError) -> CommandError {
    CommandError::Store {
        source,
        data: settings.data.clone(),
    }
}

fn show(settings: &Settings, hash: Option<BankHash>) -> Result<ExitCode, CommandError> {
    match admin::answered(settings, &AdminCommand::BankShow { hash })? {
        AdminAnswer::BankCounts { counts } => {
            let n = counts.n_sha256 + counts.n_pdq;
            let BankCounts {
                n_sha256,
                n_pdq,
                n_refused,
                n_unsearched,
            } = counts;
            output::line(format_args!(
                "{n} hashes: {n_pdq} of pictures (pdq), {n_sha256} of files (sha256)\n\
                 {n_refused} have uploads refused, {} queued\n\
                 {n_unsearched} are still to be looked for among what is stored",
                n - n_refused
            ))?;
        }
        AdminAnswer::BankEntry { entry: Some(entry) } => {
            output::line(entry.json_line())?;
        }
        AdminAnswer::BankEntry { entry: None } => {
            output::line("the bank does not know this hash")?;
            return Ok(ExitCode::FAILURE);
        }
        other => return Err(unexpected(other)),
    }
    Ok(ExitCode::SUCCESS)
}

fn remove(settings: &Settings, hash: BankHash) -> Result<ExitCode, CommandError> {
    match admin::answered(settings, &AdminCommand::BankRemove { hash })? {
        AdminAnswer::Done { name } => {
            output::line(format_args!(
                "{name} is no longer in the bank; what was removed for it stays removed"
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        other => Err(unexpected(other)),
    }
}

fn unexpected(answer: AdminAnswer) -> CommandError {
    CommandError::Admin(match answer {
        AdminAnswer::Refused { error } => error,
        _ => "the service answers another question".to_owned(),
    })
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
    let mut progress = Progress::begun();
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
            progress.say(number, n_added);
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
