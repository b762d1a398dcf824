//! Settings about what is written down.

use serde::{Deserialize, Serialize};

/// What is written about requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a list such as
    /// `info,imgshare_web=debug`.
    pub level: String,
    /// Lines for people or for machines.
    pub format: LogFormat,
    /// Whether requests are written into `log/` in the data folder;
    /// `retention.log_days` says for how long.
    pub requests: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
            requests: true,
        }
    }
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
