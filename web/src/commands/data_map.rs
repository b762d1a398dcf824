//! `imgshare data-map`: everything that is kept, and whether more is.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{CommandError, output};
use crate::config::Settings;
use crate::data_map::check::{self, CheckError};
use crate::data_map::{self, Row};

/// Exit status when something is kept that is not in the map.
const UNKNOWN: u8 = 1;

/// What to do with the data map.
#[derive(Debug, Subcommand)]
pub enum DataMapCommand {
    /// Print everything that is kept: where, what for, until when, who sees it.
    #[command(
        after_help = "Examples:\n  imgshare data-map show\n  imgshare data-map show \
        --json | jq 'select(.subject == \"images\")'"
    )]
    Show {
        /// One JSON object a line, fields included, instead of a text.
        #[arg(long)]
        json: bool,
    },
    /// Compare a data folder with the map. Stop the service first.
    ///
    /// Looks at every file by its path, at every entry of the database by its key
    /// and at every field of both. What is not in the map is named by its place
    /// and field, never by its value. The exit status is 1 when there is such a
    /// thing.
    #[command(after_help = "Examples:\n  imgshare data-map check --data \
        /var/lib/imgshare\n  imgshare data-map check --backup /mnt/backup")]
    Check {
        /// Compare the folder of a backup instead; what is in its files is sealed.
        #[arg(long, value_name = "DIR")]
        backup: Option<PathBuf>,
    },
}

pub(super) fn run(settings: &Settings, command: &DataMapCommand) -> Result<ExitCode, CommandError> {
    match command {
        DataMapCommand::Show { json } => show(*json),
        DataMapCommand::Check { backup } => compare(settings, backup.as_ref()),
    }
}

fn show(as_json: bool) -> Result<ExitCode, CommandError> {
    for row in data_map::rows() {
        let text = if as_json {
            as_object(row).to_string()
        } else {
            as_text(row)
        };
        if !output::line(text)? {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_object(row: &Row) -> serde_json::Value {
    let fields = row.fields.iter();
    json!({
        "id": row.id,
        "kind": row.place.kind(),
        "place": row.place.name(),
        "what": row.what,
        "fields": fields.map(|field| json!({"path": field.path, "what": field.what})).collect::<Vec<_>>(),
        "subject": row.subject.title(),
        "purpose": row.purpose,
        "until": row.until,
        "ended_by": row.ended_by.words(),
        "seen_by": row.seen_by,
        "exports": row.exports,
    })
}

fn as_text(row: &Row) -> String {
    let mut text = format!(
        "{}: {}\n  {}: {}\n  what for   {}\n  until      {}; ended by {}\n  seen by    {}; exports: {}\n",
        row.id,
        row.what,
        row.place.kind(),
        row.place.name(),
        row.purpose,
        row.until,
        row.ended_by.words(),
        row.receivers(),
        row.exported(),
    );
    for field in row.fields {
        text.push_str(&format!("    {:<28} {}\n", field.path, field.what));
    }
    text
}

fn compare(settings: &Settings, backup: Option<&PathBuf>) -> Result<ExitCode, CommandError> {
    let folder = backup.unwrap_or(&settings.data);
    let failed = |error| match error {
        CheckError::Storage(source) => CommandError::Store {
            source,
            data: folder.clone(),
        },
        read @ CheckError::Read { .. } => CommandError::DataMap(read),
    };
    let checked = match backup {
        Some(folder) => check::check_backup(folder),
        None => data_map::check(folder),
    };
    let checked = checked.map_err(failed)?;
    for (unknown, n_times) in &checked.unknown {
        let line = format!("{}: {} ({n_times} times)", unknown.place, unknown.what);
        if !output::line(line)? {
            break;
        }
    }
    let more = if checked.is_cut { " or more" } else { "" };
    output::line(format_args!(
        "{} files and {} entries compared; {}{more} not in the map",
        checked.n_files,
        checked.n_entries,
        checked.unknown.len(),
    ))?;
    if checked.unknown.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::from(UNKNOWN))
    }
}
