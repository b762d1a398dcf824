//! The models this program knows: where they come from, what they read and
//! say.

use crate::classifier::ClassifyError;
use crate::golden::{Golden, INCEPTION_V3_GOLDEN, MOBILENET_V2_GOLDEN, MOBILENET_V2_MID_GOLDEN};

/// The model that classifies when nothing else is asked for.
pub const DEFAULT_MODEL: &str = "mobilenet_v2";

/// The npm package that carries all three models.
pub const PACKAGE: &str = "nsfwjs@4.4.0";

/// Subresource integrity of the package's tarball, as npm publishes it.
pub const PACKAGE_INTEGRITY: &str = "sha512-krC1fgeTLXtZwgdpKJ0jm7hqv0gTSRQQRL+FhOaxaJ9Wj92t42BO3csO2odwgTAgZgf2RvkwPtp0R8Aa7dc+MA==";

/// Length of the package's tarball in bytes.
pub const PACKAGE_BYTES: u64 = 24_973_068;

/// One model: everything about it that is known before its weights are read.
#[derive(Debug)]
pub struct ModelSpec {
    /// Name in commands, file names and stored scores.
    pub id: &'static str,
    /// Input square, pixels.
    pub side: u32,
    /// Class names in output order.
    pub classes: [&'static str; 5],
    /// How a file becomes the model's inputs; stored with each score, because
    /// another choice of what is looked at, or another resampler, moves the scores.
    pub preprocessing: &'static str,
    /// How the source's own program makes an input of an opaque picture;
    /// installed with the weights, which are of use for no other.
    pub trained_for: &'static str,
    /// sha256 of the source's quantised weights, all shards back to back.
    pub source_sha256: &'static str,
    /// Length of those weights in bytes, one byte a weight.
    pub source_bytes: u64,
    /// Number of files the source splits the weights into.
    pub source_shards: u32,
    /// SPDX name of the weights' licence.
    pub licence: &'static str,
    /// Inputs with known answers, checked on every device.
    pub golden: &'static [Golden],
}

/// Every known model, the default first.
pub fn models() -> &'static [ModelSpec] {
    &MODELS
}

/// The model called `id`.
pub fn find(id: &str) -> Option<&'static ModelSpec> {
    MODELS.iter().find(|spec| spec.id == id)
}

impl ModelSpec {
    /// Values in one input: `side * side * 3`.
    pub fn samples(&self) -> usize {
        self.side_usize() * self.side_usize() * 3
    }

    /// The input's side, for indexing.
    pub fn side_usize(&self) -> usize {
        usize::try_from(self.side).expect("a model's side is a few hundred pixels")
    }

    /// Whether `samples` is a batch of `n_images` of this model's inputs.
    ///
    /// # Errors
    /// [`ClassifyError::BadBatch`] if it is none.
    pub fn check_batch(&self, samples: &[u16], n_images: usize) -> Result<(), ClassifyError> {
        let expected = n_images.checked_mul(self.samples());
        if n_images > 0 && expected == Some(samples.len()) {
            Ok(())
        } else {
            Err(ClassifyError::BadBatch {
                n_images,
                samples: samples.len(),
            })
        }
    }

    /// Name of the installed weights within the models folder.
    pub fn file_name(&self) -> String {
        format!("{}.safetensors", self.id)
    }

    /// Name of the file with the weights' sha256, in the form `sha256sum -c` reads.
    pub fn checksum_file_name(&self) -> String {
        format!("{}.safetensors.sha256", self.id)
    }

    /// Name of the file with the weights' licence text.
    pub fn licence_file_name(&self) -> String {
        format!("{}.LICENSE", self.id)
    }
}

const CLASSES: [&str; 5] = ["drawing", "hentai", "neutral", "porn", "sexy"];
/// u8 / 255, bilinear to the square with align-corners, no antialiasing.
const TRAINED_FOR: &str = "nsfwjs-bilinear-align-corners-v1";
/// The same resampler on what is shown: upright, over black and over white where
/// something shines through, up to seven frames of an animation (the first, the
/// quarter points, the last, the two that differ most from the first). The
/// highest nsfw mass counts. Scores with `TRAINED_FOR` as their id are from
/// before: alpha was dropped, and the first, middle and last frame were looked at.
const PREPROCESSING: &str = "nsfwjs-bilinear-align-corners-v2";

static MODELS: [ModelSpec; 3] = [
    ModelSpec {
        id: DEFAULT_MODEL,
        side: 224,
        classes: CLASSES,
        preprocessing: PREPROCESSING,
        trained_for: TRAINED_FOR,
        source_sha256: "8e7dddbb16acacc1bf1601b1b8a761e730ff934b7f2d7771312b2f000e5f5f13",
        source_bytes: 2_619_461,
        source_shards: 1,
        licence: "MIT",
        golden: &MOBILENET_V2_GOLDEN,
    },
    ModelSpec {
        id: "mobilenet_v2_mid",
        side: 224,
        classes: CLASSES,
        preprocessing: PREPROCESSING,
        trained_for: TRAINED_FOR,
        source_sha256: "fee38f0bcbad1a223b8301c014bbf78984365aef5ab08fc3289ed4229ab67f0e",
        source_bytes: 4_300_775,
        source_shards: 2,
        licence: "MIT",
        golden: &MOBILENET_V2_MID_GOLDEN,
    },
    ModelSpec {
        id: "inception_v3",
        side: 299,
        classes: CLASSES,
        preprocessing: PREPROCESSING,
        trained_for: TRAINED_FOR,
        source_sha256: "8a457f3fdec7db18b16e44323454db0eaeb8f314eda0046b2e293e58a5bfabf4",
        source_bytes: 22_360_869,
        source_shards: 6,
        licence: "MIT",
        golden: &INCEPTION_V3_GOLDEN,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_is_known() {
        let spec = find(DEFAULT_MODEL).unwrap();
        assert_eq!(spec.samples(), 150_528);
        assert!(find("resnet").is_none());
    }

    #[test]
    fn every_model_has_golden_vectors() {
        assert!(models().iter().all(|spec| !spec.golden.is_empty()));
    }
}
