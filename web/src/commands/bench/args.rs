//! The command line of `imgshare bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::ClassifierArgs;
use crate::config::Overrides;

/// Nobody waits longer for a figure; a typing error would.
const SECONDS_MAX: f64 = 3_600.0;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Whole ingest: bytes in, decoded, stripped, classified, durable.
    ///
    /// Stores into a temporary folder within --data, which is removed at the
    /// end. Without paths it draws photos of 8 megapixels.
    #[command(
        after_help = "Examples:\n  imgshare bench ingest\n  imgshare bench ingest \
        --seconds 30 ~/Pictures"
    )]
    Ingest(IngestArgs),
    /// Classification alone, from memory, for each batch size that is warm.
    ///
    /// Of a cascade each model by itself, one after the other, for --seconds each.
    #[command(
        after_help = "Examples:\n  imgshare bench infer --device cpu --json\n  imgshare bench \
        infer --device cpu --cpu-path avx2"
    )]
    Infer(MeasureArgs),
}

/// Flags of `bench ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Image files and folders.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Flags of both.
    #[command(flatten)]
    pub measure: MeasureArgs,
}

/// Flags of both.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// How long to measure; every image is taken once even so.
    #[arg(long, value_name = "S", default_value = "10", value_parser = parse_seconds)]
    pub seconds: Duration,
    /// Threads that decode, and threads of a CPU that classifies [default: one a core].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// One JSON object a model instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Flags about the classifier.
    #[command(flatten)]
    pub classifier: ClassifierArgs,
}

impl BenchCommand {
    /// The flags that both have.
    pub(crate) fn measure(&self) -> &MeasureArgs {
        match self {
            Self::Ingest(ingest) => &ingest.measure,
            Self::Infer(measure) => measure,
        }
    }

    /// What the flags say about settings.
    pub(crate) fn set(&self, overrides: &mut Overrides) {
        let MeasureArgs {
            threads,
            classifier,
            ..
        } = self.measure();
        overrides.set(
            "--threads",
            "pipeline.workers",
            threads.map(|n| n.to_string()),
        );
        classifier.set(overrides);
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=SECONDS_MAX).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err(format!("must be a number from 0 to {SECONDS_MAX}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(parse_seconds("2.5"), Ok(Duration::from_millis(2_500)));
        assert_eq!(parse_seconds("0"), Ok(Duration::ZERO));
        for wrong in ["-1", "3601", "NaN", "soon"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
