//! A line a file: for people or as JSON.

use std::path::PathBuf;
use std::time::Duration;

use imgshare_models::scores::Scores;
use imgshare_pipeline::outcome::Timings;
use imgshare_pipeline::path::STAGES;
use imgshare_pipeline::{Header, Ingested, PipelineError, Verdict};
use serde::{Serialize, Serializer};

use crate::config::Moderation;

/// What became of one file.
pub(super) struct Line {
    pub(super) path: PathBuf,
    pub(super) outcome: Result<Classified, Failure>,
}

/// A file that was classified.
pub(super) struct Classified {
    model: &'static str,
    scores: Scores,
    header: Header,
    mime: &'static str,
    file_bytes: u64,
    timings: Timings,
}

/// A file that was not.
pub(super) struct Failure {
    code: &'static str,
    detail: String,
}

impl Classified {
    pub(super) fn of(ingested: Ingested, file_bytes: u64) -> Result<Self, Failure> {
        let Verdict::Scored(scored) = ingested.verdict else {
            let detail = "The classifier gave no answer.".to_owned();
            return Err(Failure {
                code: "not-classified",
                detail,
            });
        };
        Ok(Self {
            model: scored.model,
            scores: scored.scores,
            header: ingested.scrubbed.header(),
            mime: ingested.scrubbed.format().mime(),
            file_bytes,
            timings: ingested.timings,
        })
    }
}

impl Failure {
    pub(super) fn of(error: &PipelineError) -> Self {
        Self {
            code: error.code(),
            detail: error.to_string(),
        }
    }

    pub(super) fn unreadable(detail: String) -> Self {
        Self {
            code: "unreadable",
            detail,
        }
    }

    pub(super) fn too_large(file_bytes_max: u64) -> Self {
        let detail = format!("The file is larger than {file_bytes_max} bytes.");
        Self {
            code: "body-too-large",
            detail,
        }
    }
}

/// Writes lines and counts them.
pub(super) struct Report {
    is_json: bool,
    moderation: Moderation,
    /// Whether more than one model may have decided, so that people are told which.
    names_models: bool,
    n_read: usize,
    n_failed: usize,
}

impl Report {
    pub(super) fn new(is_json: bool, moderation: Moderation, names_models: bool) -> Self {
        Self {
            is_json,
            moderation,
            names_models,
            n_read: 0,
            n_failed: 0,
        }
    }

    /// Files that were classified, and files that were not.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.n_read, self.n_failed)
    }

    pub(super) fn line(&mut self, line: &Line) -> String {
        match &line.outcome {
            Ok(_) => self.n_read += 1,
            Err(_) => self.n_failed += 1,
        }
        if self.is_json {
            self.json(line)
        } else {
            self.text(line)
        }
    }

    fn json(&self, line: &Line) -> String {
        let path = &line.path.to_string_lossy();
        let line = match &line.outcome {
            Err(Failure { code, detail }) => JsonLine::Failure {
                path,
                code,
                error: detail,
            },
            Ok(Classified {
                model,
                scores,
                header,
                mime,
                file_bytes,
                timings,
            }) => {
                let verdict = self.moderation.thresholds().judge(scores);
                JsonLine::Classified {
                    path,
                    label: verdict.label.as_str(),
                    confidence: verdict.confidence,
                    model,
                    scores,
                    width: header.width,
                    height: header.height,
                    frames: header.frames,
                    mime,
                    bytes: *file_bytes,
                    timings: Milliseconds(timings),
                }
            }
        };
        serde_json::to_string(&line).expect("a line is text and finite or null numbers")
    }

    fn text(&self, line: &Line) -> String {
        let path = line.path.display();
        match &line.outcome {
            Err(Failure { code, detail }) => format!("error  {path}: {code}: {detail}"),
            Ok(Classified {
                model,
                scores,
                header,
                ..
            }) => {
                let verdict = self.moderation.thresholds().judge(scores);
                let model = if self.names_models {
                    format!("  {model:16}")
                } else {
                    String::new()
                };
                format!(
                    "{:5} {:5.1} %  drawing {:.3}  hentai {:.3}  neutral {:.3}  porn {:.3}  sexy \
                     {:.3}  {:>5} x {:<5}{model} {path}",
                    verdict.label.as_str(),
                    verdict.confidence * 100.0,
                    scores.drawing,
                    scores.hentai,
                    scores.neutral,
                    scores.porn,
                    scores.sexy,
                    header.width,
                    header.height,
                )
            }
        }
    }
}

/// A line as JSON, in this order.
#[derive(Serialize)]
#[serde(untagged)]
enum JsonLine<'a> {
    Classified {
        path: &'a str,
        label: &'a str,
        confidence: f32,
        /// Which model decided.
        model: &'a str,
        scores: &'a Scores,
        width: u32,
        height: u32,
        frames: u32,
        mime: &'a str,
        bytes: u64,
        timings: Milliseconds<'a>,
    },
    Failure {
        path: &'a str,
        code: &'a str,
        error: &'a str,
    },
}

/// Time in each stage, in the order of the path, then around and in all.
struct Milliseconds<'a>(&'a Timings);

impl Serialize for Milliseconds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(timings) = self;
        let around = [
            ("waited_for_worker", timings.waited_for_worker),
            ("waited_for_batch", timings.waited_for_batch),
            ("infer", timings.infer),
            ("total", timings.total),
        ];
        let all = STAGES.into_iter().zip(timings.stages).chain(around);
        let rounded = |took: Duration| (took.as_secs_f64() * 1e6).round() / 1e3;
        serializer.collect_map(all.map(|(name, took)| (format!("{name}_ms"), rounded(took))))
    }
}
