//! `imgshare classify`: files through the same path as uploads, nothing stored.

mod find;
mod report;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use imgshare_pipeline::{Ingested, Permit, Pipeline, PipelineError, Reply};
use indicatif::{ProgressBar, ProgressStyle};

use super::{CommandError, output, weights};
use crate::cli::ClassifyArgs;
use crate::config::Settings;
use find::Found;
use report::{Failure, Line, Report};

/// Files in the pipeline at once: enough to fill a GPU's largest batch.
const AT_ONCE_MAX: usize = 64;

/// Nobody waits on a connection here: a slow device is waited for.
const CLASSIFY_TIME_MAX: Duration = Duration::from_secs(3_600);

pub(super) fn run(settings: Settings, arguments: &ClassifyArgs) -> Result<ExitCode, CommandError> {
    let found = find::find(&arguments.paths);
    if found.is_empty() {
        eprintln!("no files found");
        return Ok(ExitCode::FAILURE);
    }
    let mut pipeline_settings = settings.pipeline_settings();
    pipeline_settings.classify_time_max = CLASSIFY_TIME_MAX;
    pipeline_settings.limits.image_time_max = CLASSIFY_TIME_MAX;
    let pipeline = weights::start_pipeline(&settings, pipeline_settings)?;
    let mut run = Run {
        file_bytes_max: settings.limits.upload_bytes_max,
        report: Report::new(
            arguments.json,
            settings.moderation.clone(),
            pipeline.second_model().is_some(),
        ),
        bar: bar(found.len()),
        pipeline: &pipeline,
        in_flight: 0,
        done: BTreeMap::new(),
        next_line: 0,
        answers: mpsc::channel(),
    };
    run.all(&found)?;
    let (n_read, n_failed) = run.report.counts();
    run.bar.finish_and_clear();
    pipeline.drain(Duration::from_secs(1));
    if n_failed > 0 {
        eprintln!(
            "{n_failed} of {} files could not be classified",
            n_read + n_failed
        );
    }
    Ok(if n_read > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn bar(n_files: usize) -> ProgressBar {
    // Hidden by itself where standard error is no terminal.
    let bar = ProgressBar::new(u64::try_from(n_files).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("[{bar:40}] {pos} / {len}  {per_sec}  {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

type Answer = (usize, Line);

/// The files on their way, and the lines that are ready. Lines come out in the
/// order of the files.
struct Run<'a> {
    file_bytes_max: u64,
    report: Report,
    bar: ProgressBar,
    pipeline: &'a Pipeline,
    in_flight: usize,
    done: BTreeMap<usize, Line>,
    next_line: usize,
    answers: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
}

impl Run<'_> {
    fn all(&mut self, found: &[Found]) -> Result<(), CommandError> {
        for (file_idx, found) in found.iter().enumerate() {
            while self.in_flight >= AT_ONCE_MAX {
                self.receive();
            }
            match self.start(file_idx, found) {
                Ok(()) => self.in_flight += 1,
                Err(failure) => {
                    let line = Line {
                        path: found.path().to_owned(),
                        outcome: Err(failure),
                    };
                    self.done.insert(file_idx, line);
                }
            }
            if !self.write_ready()? {
                return Ok(());
            }
        }
        while self.in_flight > 0 {
            self.receive();
            if !self.write_ready()? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads a file and sends it on its way.
    fn start(&mut self, file_idx: usize, found: &Found) -> Result<(), Failure> {
        let path = match found {
            Found::File(path) => path,
            Found::Unreadable(_, reason) => return Err(Failure::unreadable(reason.clone())),
        };
        let bytes = read(path, self.file_bytes_max)?;
        let file_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let permit = self.admit(file_bytes)?;
        let answer = Box::new(FileReply {
            file_idx,
            path: path.clone(),
            file_bytes,
            answer: self.answers.0.clone(),
        });
        self.pipeline.submit(permit, bytes, answer);
        Ok(())
    }

    /// Room in the pipeline, waited for as long as something is on its way.
    fn admit(&mut self, file_bytes: u64) -> Result<Permit, Failure> {
        loop {
            match self.pipeline.admit(file_bytes) {
                Err(PipelineError::Overloaded(_)) if self.in_flight > 0 => self.receive(),
                other => return other.map_err(|error| Failure::of(&error)),
            }
        }
    }

    fn receive(&mut self) {
        // A sender is kept here, so the channel never closes.
        if let Ok((file_idx, line)) = self.answers.1.recv() {
            self.in_flight -= 1;
            self.done.insert(file_idx, line);
        }
    }

    /// False once nobody reads the lines any more.
    fn write_ready(&mut self) -> Result<bool, CommandError> {
        while let Some(line) = self.done.remove(&self.next_line) {
            self.next_line += 1;
            self.bar.inc(1);
            let text = self.report.line(&line);
            if !self.bar.suspend(|| output::line(text))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn read(path: &Path, file_bytes_max: u64) -> Result<Arc<[u8]>, Failure> {
    let unreadable = |error: std::io::Error| Failure::unreadable(error.to_string());
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > file_bytes_max {
        return Err(Failure::too_large(file_bytes_max));
    }
    Ok(std::fs::read(path).map_err(unreadable)?.into())
}

struct FileReply {
    file_idx: usize,
    path: std::path::PathBuf,
    file_bytes: u64,
    answer: mpsc::Sender<Answer>,
}

impl Reply for FileReply {
    fn departed(&self) -> bool {
        false
    }

    fn send(self: Box<Self>, outcome: Result<Ingested, PipelineError>) {
        let Self {
            file_idx,
            path,
            file_bytes,
            answer,
        } = *self;
        let outcome = match outcome {
            Ok(ingested) => report::Classified::of(ingested, file_bytes),
            Err(error) => Err(Failure::of(&error)),
        };
        // The receiver is gone only when the run was given up.
        let _ = answer.send((file_idx, Line { path, outcome }));
    }
}
