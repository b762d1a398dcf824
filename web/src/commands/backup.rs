//! `imgshare backup` and `imgshare restore`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use imgshare_storage::backup::{self, BackupKey, Lost, Made, RebuiltAgain};
use imgshare_storage::calendar::{self, MS_A_DAY};

use super::retention::Door;
use super::{CommandError, output};
use crate::clock;
use crate::config::Settings;
use crate::retention::backup::key_in;
use crate::retention::control::{Answer, Command};

/// Exit status when something could not be backed up or brought back.
pub(super) const NOT_ALL: u8 = 1;

/// Flags of `backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
    /// Folder of the backup; made where missing [default: backup.folder].
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// File of the key [default: backup.key_file].
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// What else there is to do about backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Make a key. Keep a copy of it elsewhere: without it there is no way back.
    #[command(after_help = "Example:\n  imgshare backup keygen /root/imgshare-backup.key")]
    Keygen {
        /// The file to write; it must not be there yet.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Read all of a backup, and prove that it can be brought back.
    ///
    /// The exit status is 1 when an image could not be, or a file is damaged.
    Verify {
        /// Folder of the backup [default: backup.folder].
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// File of the key [default: backup.key_file].
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// Flags of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Folder of the backup [default: backup.folder].
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// File of the key [default: backup.key_file].
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The newest backup up to the end of this day (UTC), such as 2026-11-26.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub at: Option<u64>,
}

fn day(text: &str) -> Result<u64, String> {
    calendar::start_of(text).ok_or_else(|| "not a day; they look like 2026-11-26".to_owned())
}

pub(super) fn run(settings: &Settings, arguments: &BackupArgs) -> Result<ExitCode, CommandError> {
    match &arguments.command {
        Some(BackupCommand::Keygen { file }) => keygen(file),
        Some(BackupCommand::Verify { from, key }) => {
            let from = folder(settings, from.as_ref(), "--from")?;
            verify(&from, &key_of(settings, key.as_ref())?)
        }
        None => {
            let to = folder(settings, arguments.to.as_ref(), "--to")?;
            let key = key_of(settings, arguments.key.as_ref())?;
            make(settings, &to, &key)
        }
    }
}

fn keygen(file: &Path) -> Result<ExitCode, CommandError> {
    let write = || {
        let key = BackupKey::random()?;
        let mut to = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        writeln!(to, "{}", key.expose())?;
        to.sync_all()
    };
    write().map_err(|error| failed(format_args!("{}: {error}", file.display())))?;
    output::line(format_args!(
        "The key is in {}. Keep a copy of it off this machine, and apart from the backups:\n\
         without it nobody can bring them back, and whoever has both can read them.",
        file.display()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn make(settings: &Settings, to: &Path, key: &BackupKey) -> Result<ExitCode, CommandError> {
    let to = std::path::absolute(to).map_err(|error| failed(&error))?;
    let command = Command::Backup {
        to,
        key: key.expose(),
        days_max: settings.backup.days_max,
    };
    let Answer::BackedUp { made } = Door::open(settings)?.ask(&command)? else {
        return Err(failed("the service answered something else"));
    };
    output::line(line(&made))?;
    name(&made.lost)
}

fn line(made: &Made) -> String {
    format!(
        "{} images, {} of them new ({} bytes); {} older backups ended, {} files dropped; writes \
         waited for {} ms",
        made.n_images,
        made.n_new,
        made.bytes_new,
        made.n_ended,
        made.n_dropped,
        made.pause_us / 1_000
    )
}

fn verify(from: &Path, key: &BackupKey) -> Result<ExitCode, CommandError> {
    let found = backup::verify(from, key).map_err(|error| failed(&error))?;
    output::line(format_args!(
        "{} backups in {} files; the newest has {} images",
        found.n_snapshots, found.n_files, found.n_images
    ))?;
    for path in &found.damaged {
        output::line(format_args!("damaged: {}", path.display()))?;
    }
    let named = name(&found.lost)?;
    Ok(if found.damaged.is_empty() {
        named
    } else {
        ExitCode::from(NOT_ALL)
    })
}

pub(super) fn restore(
    settings: &Settings,
    arguments: &RestoreArgs,
) -> Result<ExitCode, CommandError> {
    let from = folder(settings, arguments.from.as_ref(), "--from")?;
    let key = key_of(settings, arguments.key.as_ref())?;
    let until_ms = arguments
        .at
        .map(|day| day.saturating_add(MS_A_DAY).saturating_sub(1));
    let (now_ms, has_cdn) = (clock::now_ms(), settings.cdn.is_on());
    let restored = backup::restore(&from, &key, &settings.data, now_ms, until_ms, has_cdn);
    let restored = restored.map_err(|error| failed(&error))?;
    output::line(format_args!(
        "the backup of {}: {} images are there, {} of them brought back; {} deleted since are \
         left out",
        clock::rfc3339(restored.made_at_ms),
        restored.n_images,
        restored.n_written,
        restored.n_erased
    ))?;
    match &restored.rebuilt {
        Some(rebuilt) => say_rebuilt(rebuilt)?,
        None if restored.was_there => {
            output::line("the database was there, and was left as it is")?;
        }
        None => {}
    }
    if restored.is_newest_unread {
        eprintln!(
            "what the newest backup says was deleted cannot be read; an older one and the data \
             folder's own list were followed instead: an image that was deleted since may be \
             back in public. Look through what is asked to be deleted before the service starts"
        );
    }
    for id in &restored.damaged {
        output::line(format_args!(
            "damaged: the original of {id} was not what was stored; it is as in the backup again"
        ))?;
    }
    if restored.n_purges_planned > 0 {
        output::line(format_args!(
            "copies of {} images that are not seen any more are purged from the CDN at the next \
             start",
            restored.n_purges_planned
        ))?;
    }
    for id in &restored.held {
        output::line(format_args!(
            "held: {id} was deleted since, while something kept it; it is out of sight"
        ))?;
    }
    for id in &restored.removed {
        output::line(format_args!(
            "removed: {id} was removed by moderation since; it is so again"
        ))?;
    }
    let named = name(&restored.lost)?;
    Ok(if restored.is_newest_unread {
        ExitCode::from(NOT_ALL)
    } else {
        named
    })
}

/// Says what became of a database that a repair had made.
fn say_rebuilt(rebuilt: &RebuiltAgain) -> Result<(), CommandError> {
    let day = clock::rfc3339(rebuilt.at_ms);
    if rebuilt.is_backup_younger {
        output::line(format_args!(
            "the database was rebuilt by a repair at {day}, and this backup is younger: it has \
             nothing of the accounts, holds, reports and requests that were lost then. Name an \
             older one with --at"
        ))?;
        return Ok(());
    }
    output::line(format_args!(
        "the database was rebuilt by a repair at {day}: {} entries that were lost then (accounts, \
         holds, reports, requests and the like) are back as the backup has them",
        rebuilt.n_entries
    ))?;
    if rebuilt.left.is_empty() {
        return Ok(());
    }
    output::line(format_args!(
        "not brought back, because the database has newer ones: {}. To have the backup's instead, \
         move the folder db in the data folder away, run `imgshare restore` again, then \
         `imgshare repair`, which takes in what was uploaded since",
        rebuilt.left.join("; ")
    ))?;
    Ok(())
}

/// Names what could not be taken or brought back.
fn name(lost: &[Lost]) -> Result<ExitCode, CommandError> {
    for Lost { id, why } in lost {
        output::line(format_args!("lost: {id}: {why}"))?;
    }
    let is_all = lost.is_empty();
    Ok(if is_all {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_ALL)
    })
}

fn folder(
    settings: &Settings,
    flag: Option<&PathBuf>,
    name: &'static str,
) -> Result<PathBuf, CommandError> {
    let folder = flag.unwrap_or(&settings.backup.folder);
    if folder.as_os_str().is_empty() {
        return Err(failed(format_args!(
            "which folder? Give {name} DIR, or set backup.folder"
        )));
    }
    Ok(folder.clone())
}

fn key_of(settings: &Settings, flag: Option<&PathBuf>) -> Result<BackupKey, CommandError> {
    let file = flag.unwrap_or(&settings.backup.key_file);
    if file.as_os_str().is_empty() {
        return Err(failed(
            "which key? Give --key FILE, or set backup.key_file; `imgshare backup keygen FILE` \
             makes one",
        ));
    }
    key_in(file).map_err(|error| failed(&error))
}

fn failed(why: impl std::fmt::Display) -> CommandError {
    CommandError::Admin(why.to_string())
}
