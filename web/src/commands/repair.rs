//! `imgshare repair`: the database, rebuilt from the sidecars.

use std::process::ExitCode;

use imgshare_storage::{RepairEvent, Store};

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
    output::line(report)?;
    say_unreadable(settings)?;
    Ok(ExitCode::SUCCESS)
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
