//! `imgshare bench`: what this machine does, measured with the product itself.
//! Results are proved before anything is timed.

mod alone;
mod args;
mod device;
mod error;
mod infer;
pub mod ingest;
mod inputs;
pub mod photo;
mod report;
mod spread;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use imgshare_models::{Engine, ModelSpec};
use rayon::ThreadPoolBuilder;
use serde::Serialize;

pub use args::{BenchCommand, IngestArgs, MeasureArgs};
pub use error::BenchError;

use super::{CommandError, output, weights};
use crate::config::Settings;
use device::DeviceName;
use ingest::IngestBench;
use report::{Conditions, IngestReport};

pub(super) fn run(
    mut settings: Settings,
    command: &BenchCommand,
) -> Result<ExitCode, CommandError> {
    let measure = command.measure();
    let threads = match measure.threads {
        Some(threads) => threads.get(),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    settings.models.cpu_threads = threads;
    // burn computes on rayon's global pool, which takes its size once.
    let pool = ThreadPoolBuilder::new().num_threads(threads).build_global();
    pool.expect("nothing has used the pool before");
    match command {
        BenchCommand::Ingest(arguments) => {
            show(&run_ingest(settings, arguments, threads)?, measure.json)
        }
        BenchCommand::Infer(_) => {
            for spec in weights::deciding(&settings) {
                show(&run_infer(&settings, spec, measure, threads)?, measure.json)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn run_infer(
    settings: &Settings,
    spec: &'static ModelSpec,
    measure: &MeasureArgs,
    threads: usize,
) -> Result<infer::InferReport, CommandError> {
    let loaded = weights::load_or_pull(settings, spec)?;
    let mut engine = Engine::start(&loaded, weights::engine(settings))?;
    Ok(infer::measure(&mut engine, threads, measure.seconds)?)
}

fn run_ingest(
    settings: Settings,
    arguments: &IngestArgs,
    threads: usize,
) -> Result<IngestReport, CommandError> {
    let inputs = inputs::load(&arguments.paths)?;
    eprintln!("each of {} images alone", inputs.len());
    let side = weights::spec(&settings).side;
    let alone = alone::measure(&inputs, &settings.image_limits(), side)?;
    let pipeline = weights::start_pipeline(&settings, settings.pipeline_settings())?;
    let bench = IngestBench::start(settings, pipeline)?;

    let seconds = arguments.measure.seconds;
    eprintln!(
        "all of them, {} at once, for {:.1} s",
        ingest::CLIENTS,
        seconds.as_secs_f64()
    );
    let files: Vec<Arc<[u8]>> = inputs.into_iter().map(|input| input.bytes).collect();
    let started = Instant::now();
    let done = bench.run(&files, seconds)?;
    let pipeline = bench.pipeline();
    let conditions = Conditions {
        model: pipeline.model().id,
        device: DeviceName::parse(&pipeline.device()),
        threads,
        took: started.elapsed(),
    };
    Ok(IngestReport::new(
        conditions,
        &done,
        pipeline.stats(),
        alone,
    ))
}

fn show(
    report: &(impl Serialize + std::fmt::Display),
    as_json: bool,
) -> Result<ExitCode, CommandError> {
    if as_json {
        let json = serde_json::to_string(report).expect("a report has string keys");
        output::line(json)?;
    } else {
        output::line(report.to_string().trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
