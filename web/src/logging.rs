//! Where log lines go and how they look.

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Log, LogFormat};

/// What the device stack logs at info is of use to its makers alone. What
/// little_exif logs quotes the uploaded file: never.
const QUIET: &str = "wgpu_core=warn,wgpu_hal=error,naga=warn,cubecl_runtime=warn,cubecl_wgpu=warn,cubecl_cpp=warn,sled=warn,little_exif=off";

/// Sends log lines to standard error. Standard output belongs to results.
///
/// # Errors
/// When `log.level` is no level and no list of them.
pub fn start(log: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.level)).map_err(|error| {
        ConfigError::Invalid {
            key: "log.level".to_owned(),
            why: format!("is not understood: {error}"),
        }
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    // A second start, as in tests, keeps the first one's lines.
    let _ = match log.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
