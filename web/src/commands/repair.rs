//! `imgshare repair`: the database, rebuilt from the sidecars.

use std::process::ExitCode;

use imgshare_storage::RepairEvent;

use super::{CommandError, output};
use crate::clock;
use crate::config::Settings;

pub(super) fn run(settings: &Settings) -> Result<ExitCode, CommandError> {
    let mut on_event = |event: RepairEvent| match event {
        RepairEvent::Skipped { id, reason } => eprintln!("skipped {id}: {reason}"),
        RepairEvent::OldDatabase {
            unreadable: Some(error),
        } => {
            eprintln!(
                "the old database cannot be read, views start at 0 and what staff did is lost: {error}"
            );
        }
        RepairEvent::EntriesLost { space, error } => {
            eprintln!("what staff did is lost in part ({space:?}): {error}");
        }
        RepairEvent::OldDatabase { unreadable: None }
        | RepairEvent::Rebuilt { .. }
        | RepairEvent::RemovalFinished { .. } => {}
    };
    let repaired = imgshare_storage::repair(&settings.data, clock::now_ms(), &mut on_event);
    let report = repaired.map_err(|source| CommandError::Store {
        source,
        data: settings.data.clone(),
    })?;
    output::line(report)?;
    Ok(ExitCode::SUCCESS)
}
