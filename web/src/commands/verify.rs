//! `imgshare verify`: whether files are clean, and what they carry if not.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use imgshare_pipeline::stage::inspect::{Difference, Fate, Report, inspect};
use serde::Serialize;

use super::{CommandError, output};
use crate::cli::VerifyArgs;
use crate::config::Settings;

/// Exit status when a file is not clean.
const NOT_CLEAN: u8 = 1;
/// Exit status when a file could not be looked at.
const UNREADABLE: u8 = 2;

pub(super) fn run(settings: &Settings, arguments: &VerifyArgs) -> Result<ExitCode, CommandError> {
    let limits = settings.pipeline_settings().limits;
    let mut worst = 0;
    for path in &arguments.files {
        let verified = match read(path, settings.limits.upload_bytes_max) {
            Ok(bytes) => Verified::of(inspect(bytes, &limits)),
            Err(error) => Verified::Unreadable {
                code: "unreadable",
                error,
            },
        };
        worst = worst.max(verified.status());
        let text = if arguments.json {
            verified.json(path)
        } else {
            verified.text(path)
        };
        if !output::line(text)? {
            break;
        }
    }
    Ok(ExitCode::from(worst))
}

/// A whole file, if it is no larger than an upload may be.
fn read(path: &PathBuf, file_bytes_max: u64) -> Result<Arc<[u8]>, String> {
    let read = |source: &mut dyn Read| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        source
            .take(file_bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = if path.as_os_str() == "-" {
        read(&mut io::stdin().lock())
    } else {
        File::open(path).and_then(|mut file| read(&mut file))
    }
    .map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > file_bytes_max {
        return Err(format!("The file is larger than {file_bytes_max} bytes."));
    }
    Ok(bytes.into())
}

/// What became of one file.
enum Verified {
    Looked(Report),
    Unreadable { code: &'static str, error: String },
}

impl Verified {
    /// A file of no accepted format was not looked into.
    fn of(report: Report) -> Self {
        match (&report.format, &report.fate) {
            (None, Fate::Refused(reject)) => Self::Unreadable {
                code: reject.code(),
                error: reject.to_string(),
            },
            (_, Fate::Unknown(fault)) => Self::Unreadable {
                code: fault.code(),
                error: fault.to_string(),
            },
            _ => Self::Looked(report),
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::Looked(report) if report.is_clean() => 0,
            Self::Looked(_) => NOT_CLEAN,
            Self::Unreadable { .. } => UNREADABLE,
        }
    }

    fn json(&self, path: &Path) -> String {
        let path = &path.to_string_lossy();
        let line = match self {
            Self::Unreadable { code, error } => JsonLine::Unreadable { path, code, error },
            Self::Looked(report) => JsonLine::Looked {
                path,
                clean: report.is_clean(),
                format: report.format.map(|format| format.mime()),
                fate: match report.fate {
                    Fate::StoredAsItIs => "stored-as-it-is",
                    Fate::CutAnew => "cut-anew",
                    Fate::Rewritten(_) => "rewritten",
                    Fate::Refused(_) => "refused",
                    Fate::Unknown(_) => "unknown",
                },
                code: match &report.fate {
                    Fate::Refused(reject) => Some(reject.code()),
                    Fate::Unknown(fault) => Some(fault.code()),
                    Fate::StoredAsItIs | Fate::CutAnew | Fate::Rewritten(_) => None,
                },
                carried: report
                    .carried
                    .iter()
                    .map(|part| JsonPart {
                        what: part.what,
                        offset: part.offset,
                        bytes: part.bytes,
                    })
                    .collect(),
                omitted: report.omitted,
                bytes: report.bytes,
                stored_bytes: report.stored_bytes,
                differs: match report.fate {
                    Fate::Rewritten(first) => Some(JsonDifference {
                        what: first.what,
                        how: first.how.words(),
                        offset: first.offset,
                        bytes: first.bytes,
                    }),
                    _ => None,
                },
            },
        };
        serde_json::to_string(&line).expect("a line is text and numbers")
    }

    fn text(&self, path: &Path) -> String {
        let path = path.display();
        let report = match self {
            Self::Unreadable { code, error } => {
                return format!("error      {path}: {code}: {error}");
            }
            Self::Looked(report) if report.is_clean() => {
                let mut text = format!("clean      {path}");
                if report.fate == Fate::CutAnew {
                    text.push_str(
                        "\n           carries nothing; would be rewritten: the same data, cut \
                         into other pieces",
                    );
                }
                return text;
            }
            Self::Looked(report) => report,
        };
        let mut lines = vec![format!("not clean  {path}")];
        lines.extend(report.carried.iter().map(|part| {
            let (what, offset, bytes) = (part.what, part.offset, part.bytes);
            format!("           {what}, {bytes} bytes at {offset}")
        }));
        if report.omitted > 0 {
            lines.push(format!("           and {} more parts", report.omitted));
        }
        match &report.fate {
            Fate::Refused(reject) => {
                lines.push(format!("           would be refused: {reject}"));
            }
            Fate::Rewritten(first) if report.carried.is_empty() => {
                let Difference {
                    what,
                    how,
                    offset,
                    bytes,
                } = first;
                lines.push(format!(
                    "           nothing known is carried, yet it would be stored with other \
                     bytes: first, in {what}, {bytes} bytes at {offset} {}",
                    how.words()
                ));
            }
            Fate::Rewritten(_) | Fate::CutAnew | Fate::StoredAsItIs | Fate::Unknown(_) => {}
        }
        if let Some(stored) = report
            .stored_bytes
            .filter(|stored| stored / 2 > report.bytes)
        {
            lines.push(format!(
                "           would take {stored} bytes instead of {}: it is stored sideways or in \
                 other colours, and written again without loss",
                report.bytes
            ));
        }
        lines.join("\n")
    }
}

/// A line as JSON, in this order.
#[derive(Serialize)]
#[serde(untagged)]
enum JsonLine<'a> {
    Looked {
        path: &'a str,
        clean: bool,
        format: Option<&'a str>,
        fate: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        carried: Vec<JsonPart>,
        omitted: u64,
        bytes: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        stored_bytes: Option<usize>,
        /// Where a rewritten file first differs from what would be stored.
        #[serde(skip_serializing_if = "Option::is_none")]
        differs: Option<JsonDifference>,
    },
    Unreadable {
        path: &'a str,
        code: &'a str,
        error: &'a str,
    },
}

#[derive(Serialize)]
struct JsonDifference {
    what: &'static str,
    how: &'static str,
    offset: usize,
    bytes: usize,
}

#[derive(Serialize)]
struct JsonPart {
    what: &'static str,
    offset: usize,
    bytes: usize,
}
