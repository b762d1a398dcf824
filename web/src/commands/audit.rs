//! `imgshare audit`: proof and export. Both read the audit's files; the
//! database is compared as well where no service holds it, and its end where one
//! does. Scores come from the database, or from the service.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use imgshare_storage::audit::{self, CSV_HEADER, Head, Ledger, Scores, ScoresFound, Sealed};
use imgshare_storage::calendar::{self, MS_A_DAY};
use imgshare_storage::{ImageId, StorageError, Store};

use super::{CommandError, output};
use crate::clock;
use crate::config::Settings;
use crate::staff::control::{self, AUDIT_SCORES_MAX, AdminAnswer, AdminCommand};

/// Exit status when an entry is wrong.
const NOT_WHOLE: u8 = 1;

/// What to do with the audit.
#[derive(Debug, Subcommand)]
pub enum AuditArgs {
    /// Prove that no entry was changed, removed or put in between.
    ///
    /// The exit status is 1 when one was; the first is named. So is one whose
    /// scores were changed, or are missing though its image is there, and one that
    /// only the database or only the files have: both hold the whole chain, up to
    /// what a crash kept from the files and the next start writes. While the
    /// service runs, it says where the database ends and the files are checked up
    /// to there.
    Verify,
    /// Write entries to standard output.
    #[command(
        after_help = "Examples:\n  imgshare audit export > audit.jsonl\n  imgshare audit \
        export --format csv --from 2026-11-01 --to 2026-11-30 > november.csv\n\nTo check it \
        without imgshare: each JSON line has the `entry`, its number `seq`, its\n`hash` and \
        the `previous` one. The hash is SHA-256, in lower-case hex, of the text\n\n  PREVIOUS \
        SEQ ENTRY\n\nwith single spaces between and no end of line: the hash before in hex (64 \
        zeros\nbefore the first), the number in decimal, and the entry as canonical JSON (RFC \
        8785,\nJCS) in UTF-8. The entry stands so in the line already, between `{\"entry\":` \
        and\n`,\"hash\":`; numbers of entries by earlier releases may be spelled otherwise, \
        and\nare hashed as they stand there. Where the entry has a `scores_sha256`, that \
        is\nSHA-256 of `SALT SCORES`, both beside it in `scores` until the image is gone, \
        the\nscores as RFC 8785 as well."
    )]
    Export(ExportArgs),
}

/// Flags of `audit export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// How entries are written.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: ExportFormat,
    /// The first day, such as 2026-11-26 (UTC).
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub from: Option<u64>,
    /// The last day.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub to: Option<u64>,
}

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A JSON object a line.
    Jsonl,
    /// For spreadsheets; no cell is a formula.
    Csv,
}

fn day(text: &str) -> Result<u64, String> {
    calendar::start_of(text).ok_or_else(|| "not a day; they look like 2026-11-26".to_owned())
}

pub(super) fn run(settings: &Settings, arguments: &AuditArgs) -> Result<ExitCode, CommandError> {
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
        Ok(store) => Some(store),
        Err(StorageError::Locked { .. }) => None,
        Err(source) => return Err(failed(source)),
    };
    match arguments {
        AuditArgs::Verify => verify(settings, store.as_ref()),
        AuditArgs::Export(arguments) => export(settings, store.as_ref(), arguments),
    }
}

fn verify(settings: &Settings, store: Option<&Store>) -> Result<ExitCode, CommandError> {
    let dir = settings.audit_dir();
    let report = match store {
        Some(store) => audit::verify(Some(store as &dyn Ledger), Some(&dir)),
        // Asked first: what comes afterwards may be in the files or not.
        None => audit::verify_files(&dir, &end_of_database(settings)?),
    };
    let report = report.map_err(|source| CommandError::Store {
        source,
        data: settings.data.clone(),
    })?;
    if let Some(bad) = report.bad {
        output::line(format_args!("not whole: {bad}"))?;
        return Ok(ExitCode::from(NOT_WHOLE));
    }
    let n_in_files = report.n_in_files.unwrap_or(0);
    match report.n_in_database {
        Some(n) => {
            output::line(format_args!(
                "whole: {n} entries in the database, {n_in_files} of them in the files too"
            ))?;
            if report.n_behind > 0 {
                let n_behind = report.n_behind;
                output::line(format_args!(
                    "the last {n_behind} never reached the files, as after a crash: the next \
                     start of the service writes them"
                ))?;
            }
            output::line(said_of(&report.scores))?
        }
        None => output::line(format_args!(
            "whole: {n_in_files} entries in the files, which go as far as the database of the \
             running service; its own entries were left out"
        ))?,
    };
    let aside = put_aside(settings);
    for path in &aside {
        let path = path.display();
        output::line(format_args!(
            "but once the files told something else than the database: they are in {path}"
        ))?;
    }
    let is_whole = aside.is_empty();
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_WHOLE)
    })
}

/// Where the audit ends in the database of the service that runs.
fn end_of_database(settings: &Settings) -> Result<Head, CommandError> {
    let failed = |error: &dyn std::fmt::Display| {
        let data = settings.data.display();
        CommandError::Admin(format!(
            "the service that holds {data} does not say where the audit ends: {error}; stop it \
             and run this again"
        ))
    };
    match control::ask(&settings.data, &AdminCommand::AuditHead).map_err(|error| failed(&error))? {
        AdminAnswer::AuditHead { head } => Ok(head),
        AdminAnswer::Refused { error } => Err(failed(&error)),
        _ => Err(failed(&"it answered something else")),
    }
}

/// Files that were put aside because they and the database differed.
fn put_aside(settings: &Settings) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(&settings.data).into_iter().flatten();
    let mut aside: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("audit.diverged-"))
        })
        .collect();
    aside.sort_unstable();
    aside
}

fn said_of(scores: &ScoresFound) -> String {
    let mut said = format!(
        "scores: of {} entries there, of {} gone with their image",
        scores.n_there, scores.n_erased
    );
    if scores.n_lost > 0 {
        let n_lost = scores.n_lost;
        said.push_str(&format!(", of {n_lost} lost with a database"));
    }
    if scores.n_overdue > 0 {
        let n_overdue = scores.n_overdue;
        said.push_str(&format!(
            "; {n_overdue} outlive their image until the next clean-up"
        ));
    }
    said
}

fn export(
    settings: &Settings,
    store: Option<&Store>,
    arguments: &ExportArgs,
) -> Result<ExitCode, CommandError> {
    let lines = audit::lines(&settings.audit_dir()).map_err(|source| CommandError::Store {
        source,
        data: settings.data.clone(),
    })?;
    let from = arguments.from.unwrap_or(0);
    let to = arguments
        .to
        .map_or(u64::MAX, |day| day.saturating_add(MS_A_DAY));
    if arguments.format == ExportFormat::Csv && !output::line(CSV_HEADER)? {
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::with_capacity(AUDIT_SCORES_MAX);
    for sealed in lines {
        let sealed = sealed.map_err(|why| {
            CommandError::Admin(format!("an entry: {why}; `imgshare audit verify` names it"))
        })?;
        if !(from..to).contains(&sealed.entry.at_ms) {
            continue;
        }
        page.push(sealed);
        let is_full = page.len() >= AUDIT_SCORES_MAX;
        if is_full && !write_out(settings, store, arguments.format, &mut page)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
    write_out(settings, store, arguments.format, &mut page)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes entries with their scores. False when nobody reads any more.
fn write_out(
    settings: &Settings,
    store: Option<&Store>,
    format: ExportFormat,
    page: &mut Vec<Sealed>,
) -> Result<bool, CommandError> {
    let mut scores = scores_of(settings, store, page)?;
    for sealed in page.drain(..) {
        let scores = scores.remove(&sealed.seq);
        let line = match format {
            ExportFormat::Jsonl => sealed.line_with(scores.as_ref()),
            ExportFormat::Csv => audit::csv_line(&sealed, scores.as_ref()),
        };
        if !output::line(line)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The scores that belong to entries, by their numbers: from the database, or from
/// the service that has it.
fn scores_of(
    settings: &Settings,
    store: Option<&Store>,
    page: &[Sealed],
) -> Result<HashMap<u64, Scores>, CommandError> {
    let of: Vec<(ImageId, u64)> = page.iter().filter_map(Sealed::scores_place).collect();
    let failed = |error: &dyn std::fmt::Display| {
        let data = settings.data.display();
        CommandError::Admin(format!("the scores in {data} cannot be read: {error}"))
    };
    let found: Vec<Option<Scores>> = match store {
        _ if of.is_empty() => Vec::new(),
        Some(store) => of
            .iter()
            .map(|(image, seq)| audit::scores_at(store, image, *seq))
            .collect::<Result<_, _>>()
            .map_err(|error| failed(&error))?,
        None => {
            let command = AdminCommand::AuditScores { of: of.clone() };
            match control::ask(&settings.data, &command).map_err(|error| failed(&error))? {
                AdminAnswer::AuditScores { scores } => scores,
                AdminAnswer::Refused { error } => return Err(failed(&error)),
                _ => return Err(failed(&"the service answered something else")),
            }
        }
    };
    let numbers = of.into_iter().map(|(_, seq)| seq);
    let found = numbers.zip(found);
    Ok(found
        .filter_map(|(seq, scores)| Some((seq, scores?)))
        .collect())
}
