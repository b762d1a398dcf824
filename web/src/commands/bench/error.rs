//! Why there is no figure.

use std::io;
use std::path::PathBuf;

use imgshare_models::ClassifyError;
use imgshare_models::golden::GoldenMismatch;
use imgshare_pipeline::PipelineError;
use imgshare_storage::StorageError;

/// Why there is no figure. A result that is wrong is never timed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A file named or found cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The paths hold no files with a picture's extension.
    #[error(
        "there are no pictures; name a JPEG, PNG, WebP, GIF or AVIF file, or a folder with some"
    )]
    NoPictures,
    /// A photo could not be drawn.
    #[error("a photo could not be encoded: {0}")]
    Drawing(#[from] jpeg_encoder::EncodingError),
    /// An input is refused.
    #[error("{name} is refused, so there is nothing to measure: {refusal}")]
    Refused {
        /// The input.
        name: String,
        /// Why.
        refusal: PipelineError,
    },
    /// The device does not give the known answers.
    #[error("the device answers wrongly: {0}")]
    Golden(#[from] GoldenMismatch),
    /// The device failed while it was timed.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// An image failed in the pipeline while it was timed.
    #[error("an image failed under load: {0}")]
    Pipeline(#[from] PipelineError),
    /// An image was not classified in time.
    #[error("an image was not classified in time; the device is too slow for this many at once")]
    NotClassified,
    /// An image was not stored.
    #[error("an image could not be stored: {0}")]
    NotStored(String),
    /// The temporary store cannot be opened.
    #[error("the temporary store cannot be opened: {0}")]
    Store(#[from] StorageError),
    /// The temporary folder or a thread is refused.
    #[error("the system refused what the bench needs: {0}")]
    System(#[from] io::Error),
    /// A task panicked; the panic has been logged.
    #[error("the bench panicked")]
    Panicked,
}
