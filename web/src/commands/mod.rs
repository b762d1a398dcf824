//! What the binary can do, one file a command.

pub mod admin;
pub mod audit;
pub mod backup;
mod bank;
pub mod bench;
pub mod block;
mod classify;
mod config;
pub mod data_map;
mod error;
mod models;
mod output;
pub mod promises;
mod pull_display;
mod repair;
pub mod retention;
mod rules;
mod serve;
mod shutdown;
mod verify;
mod warnings;
mod weights;

use std::process::ExitCode;

pub use error::CommandError;

use crate::cli::{Cli, Command};
use crate::clock;
use crate::config::Settings;
use crate::logging;

/// Runs the command.
///
/// # Errors
/// [`CommandError`], one line that names the remedy.
pub fn run(cli: &Cli) -> Result<ExitCode, CommandError> {
    let settings = crate::config::load(&cli.overrides())?;
    start_logging(cli, &settings)?;
    if !settings.clock.file.is_empty() {
        clock::follow(settings.clock.file.as_ref());
    }
    match &cli.command {
        Command::Serve(_) => serve::run(settings),
        Command::Classify(arguments) => classify::run(settings, arguments),
        Command::Verify(arguments) => verify::run(&settings, arguments),
        Command::Models(command) => models::run(&settings, command),
        Command::Bench(command) => bench::run(settings, command),
        Command::Admin(command) => admin::run(&settings, command),
        Command::Audit(command) => audit::run(&settings, command),
        Command::Repair => repair::run(&settings),
        Command::Backup(command) => backup::run(&settings, command),
        Command::Restore(arguments) => backup::restore(&settings, arguments),
        Command::DataMap(command) => data_map::run(&settings, command),
        Command::Promises(arguments) => promises::run(&settings, arguments),
        Command::Retention(command) => retention::run(&settings, command),
        Command::Bank(command) => bank::run(&settings, command),
        Command::Rules(command) => rules::run(&settings, command),
        Command::Block(command) => block::run(&settings, command),
        Command::Config => config::run(&settings),
    }
}

/// `log.level` is about the service; the other commands show their results and
/// warnings unless more is asked for.
fn start_logging(cli: &Cli, settings: &Settings) -> Result<(), CommandError> {
    let mut log = settings.log.clone();
    let is_service = matches!(cli.command, Command::Serve(_));
    if !is_service && cli.common.log_level.is_none() {
        log.level = "warn".to_owned();
    }
    Ok(logging::start(&log)?)
}
