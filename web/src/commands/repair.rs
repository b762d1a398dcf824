//! `imgshare repair`: the database, rebuilt from the sidecars.

use std::process::ExitCode;

use imgshare_storage::{RepairEvent, Store};

use super::backup::NOT_ALL;
use super::{CommandError, output};
use crate::clock;
use crate::config::Settings;
use crate::staff::vault::{self, Vault};

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
    let (has_skipped, has_lost_entries) = (report.n_skipped > 0, report.has_lost_entries);
    output::line(report)?;
    if has_lost_entries {
        eprintln!(
            "accounts, holds, reports, requests or other entries beside the records were lost: \
             before the service starts again, `imgshare restore` brings back what a backup has \
             of them"
        );
    }
    if has_skipped {
        eprintln!(
            "images that are skipped count as lost; their files are left alone, and `imgshare \
             restore` brings back what a backup has of them"
        );
    }
    say_unreadable(settings)?;
    // Whoever starts the service by this status must not do so before a restore.
    Ok(if has_skipped || has_lost_entries {
        ExitCode::from(NOT_ALL)
    } else {
        ExitCode::SUCCESS
    })
}

/// The key lies beside the database and is not rebuilt.
fn say_unreadable(settings: &Settings) -> Result<(), CommandError> {
    let path = settings.second_factor_key();
    let vault = Vault::read(&path)?;
    let unreadable = Store::open_at(&settings.data, clock::now_ms())
        .and_then(|store| vault::unreadable(&store, vault.as_ref()))
        .map_err(|source| CommandError::Store {
            source,
            data: settings.data.clone(),
        })?;
    for name in unreadable {
        eprintln!(
            "the authenticator app of {name} cannot be checked without its key: put {} back, or \
             run `imgshare admin reset-second-factor {name}`",
            path.display()
        );
    }
    Ok(())
}
