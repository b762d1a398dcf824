//! What can go wrong, split by blame first: the uploader's, the load's, ours.

use std::time::Duration;

/// The image is refused, and it is the image's fault. Nothing about it is kept.
///
/// [`Reject::code`] is stable and part of the public API; the `Display` text is
/// written for the uploader and names no path, no address and no file content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// There were no bytes at all.
    #[error("The file is empty.")]
    Empty,
    /// The first bytes belong to no format on the allow-list.
    #[error("This is not an image we accept. JPEG, PNG, WebP, GIF and AVIF are.{advice}", advice = .advice.map(|a| format!(" {a}")).unwrap_or_default())]
    UnsupportedFormat {
        /// What to do instead, when the format was recognised by name.
        advice: Option<&'static str>,
    },
    /// The file ends before its image does.
    #[error("The file is cut off before the image ends.")]
    Truncated,
    /// The container or the compressed data breaks its format's rules.
    #[error("The image is damaged: {detail}.")]
    Malformed {
        /// Which rule, in words that quote nothing from the file.
        detail: &'static str,
    },
    /// One side exceeds the limit.
    #[error("The image is {width} x {height} pixels; a side may have at most {side_max}.")]
    SideTooLong {
        /// Width from the header, in pixels.
        width: u32,
        /// Height from the header, in pixels.
        height: u32,
        /// The limit in force, in pixels.
        side_max: u32,
    },
    /// The area exceeds the limit.
    #[error("The image has {pixels} pixels; at most {pixels_max} are accepted.")]
    TooManyPixels {
        /// Width times height from the header.
        pixels: u64,
        /// The limit in force.
        pixels_max: u64,
    },
    /// The animation has more frames than the limit.
    #[error("The animation has more than {frames_max} frames.")]
    TooManyFrames {
        /// The limit in force.
        frames_max: u32,
    },
    /// Frames times area exceeds the limit.
    #[error("The animation has more than {pixels_max} pixels over all its frames.")]
    AnimationTooLarge {
        /// The limit in force.
        pixels_max: u64,
    },
    /// Stored sideways, and too large when turned: lossy frames grow several times
    /// when they are encoded without loss.
    #[error(
        "The animation is stored sideways and would take more than {} MB when it is turned; \
         save it upright, and upload that.",
        .bytes_max / 1_000_000
    )]
    TurnedAnimationTooLarge {
        /// The limit in force, in bytes.
        bytes_max: u64,
    },
    /// Decoding it would take more memory than there is for all images together.
    #[error(
        "The image would take {} MB of memory to decode; {} MB are the most there is.",
        .bytes.div_ceil(1_000_000),
        .bytes_max / 1_000_000
    )]
    NeedsTooMuchMemory {
        /// What it would take, in bytes, by its header.
        bytes: u64,
        /// The budget in force, in bytes.
        bytes_max: u64,
    },
    /// The rebuilt file could not be proved free of metadata.
    #[error("The image's metadata could not be removed safely, so it was not accepted: {detail}.")]
    MetadataNotRemovable {
        /// What was still there, in words that quote nothing from the file.
        detail: &'static str,
    },
    /// The image took longer than one image may take.
    #[error("The image took longer than {seconds} s to process.")]
    DeadlineExceeded {
        /// The limit in force, in seconds.
        seconds: u64,
    },
}

impl Reject {
    /// The stable kebab-case code of this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty-file",
            Self::UnsupportedFormat { .. } => "unsupported-format",
            Self::Truncated => "truncated-image",
            Self::Malformed { .. } => "malformed-image",
            Self::SideTooLong { .. } => "side-too-long",
            Self::TooManyPixels { .. } => "too-many-pixels",
            Self::TooManyFrames { .. } => "too-many-frames",
            Self::AnimationTooLarge { .. } | Self::TurnedAnimationTooLarge { .. } => {
                "animation-too-large"
            }
            Self::NeedsTooMuchMemory { .. } => "needs-too-much-memory",
            Self::MetadataNotRemovable { .. } => "metadata-not-removable",
            Self::DeadlineExceeded { .. } => "deadline-exceeded",
        }
    }
}

/// There is no room for the image now; the same upload may succeed later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The service is busy; try again in {} s.", .retry_after.as_secs().max(1))]
pub struct Overloaded {
    /// How long the client should wait before it tries again.
    pub retry_after: Duration,
}

/// Something of ours broke. The text is for the log, never for the uploader.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A stage panicked; the panic was contained to this image.
    #[error("stage {stage} panicked")]
    Panicked {
        /// The stage's name as in [`crate::path::STAGES`].
        stage: &'static str,
    },
    /// The image's decoder was lost, with the thread and the memory it had.
    #[error("a decoder panicked and cannot be unwound")]
    DecoderLost,
    /// So many decoders were lost that none is started any more.
    #[error("no decoder of this format is left until the process is started again")]
    FormatUnavailable,
    /// The pipeline is draining or gone.
    #[error("the pipeline is shutting down")]
    ShuttingDown,
}

impl Fault {
    /// The stable kebab-case code of this fault.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Panicked { .. } | Self::DecoderLost => "internal-error",
            Self::FormatUnavailable => "format-unavailable",
            Self::ShuttingDown => "shutting-down",
        }
    }
}

/// Every way an image can leave the pipeline without being ready to store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// The uploader's fault.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// The load's fault.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl PipelineError {
    /// The stable kebab-case code, whoever is to blame.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reject(reject) => reject.code(),
            Self::Overloaded(_) => "overloaded",
            Self::Fault(fault) => fault.code(),
        }
    }
}
