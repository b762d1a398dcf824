//! `imgshare config`: the effective settings, as a file that can be edited.

use std::process::ExitCode;

use super::{CommandError, output};
use crate::config::Settings;

pub(super) fn run(settings: &Settings) -> Result<ExitCode, CommandError> {
    let text = toml::to_string_pretty(settings)
        .expect("settings are tables of numbers, texts and switches");
    output::line(text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
