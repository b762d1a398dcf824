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
    /// Whether requests are written into `log/` in the data folder.
    pub requests: bool,
    /// How long they are kept, 90 days at most.
    pub request_days: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
            requests: true,
            request_days: imgshare_storage::request_log::LOG_DAYS_MAX,
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
