//! Inputs with known answers, run on a device before it is trusted: kernels
//! chosen by autotuning have given wrong results on some devices.

use std::time::{Duration, Instant};

use crate::classifier::{Classifier, ClassifyError};
use crate::scores::{Scores, Thresholds};

/// An input that can be generated anywhere, and nsfwjs's answer to it.
#[derive(Debug)]
pub struct Golden {
    /// Name for reports.
    pub name: &'static str,
    /// Byte at column, row and channel.
    pub pixel: Pattern,
    /// Probabilities in the models' class order.
    pub expected: [f32; 5],
}

/// Byte at column, row and channel.
pub type Pattern = fn(x: usize, y: usize, channel: usize) -> u8;

/// Largest difference allowed where kernels run in plain f32 on the CPU.
pub const CPU_TOLERANCE: f32 = 1e-4;

/// Largest difference allowed where the CPU computes some layers in integers:
/// a quarter of what moves a score visibly, and less than bf16 costs by far.
pub const REDUCED_TOLERANCE: f32 = 5e-3;

/// Largest difference allowed on a GPU, which may sum in another order and
/// contract multiplications with additions.
pub const GPU_TOLERANCE: f32 = 1e-3;

/// What a device that passed was measured at.
#[derive(Clone, Debug)]
pub struct GoldenReport {
    /// One entry a batch bucket, in ascending order.
    pub buckets: Vec<BucketReport>,
}

/// One bucket's part of a [`GoldenReport`].
#[derive(Clone, Copy, Debug)]
pub struct BucketReport {
    /// Images in the batch.
    pub n_images: usize,
    /// Largest difference of any class from its golden value.
    pub worst_error: f32,
    /// Time of the last of its batches, when the bucket is warm.
    pub batch_time: Duration,
}

impl GoldenReport {
    /// Largest difference over all buckets.
    pub fn worst_error(&self) -> f32 {
        self.buckets
            .iter()
            .fold(0.0, |worst, bucket| worst.max(bucket.worst_error))
    }

    /// Time an image took in the bucket that was fastest.
    pub fn image_time(&self) -> Duration {
        let time = |bucket: &BucketReport| {
            let n_images = u32::try_from(bucket.n_images).unwrap_or(u32::MAX);
            bucket.batch_time / n_images.max(1)
        };
        self.buckets.iter().map(time).min().unwrap_or_default()
    }
}

/// Why a device is not to be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenMismatch {
    /// An answer is further from the golden value than the tolerance.
    #[error(
        "golden vector {name:?} in place {image_idx} of a batch of {n_images} came out as \
         {actual:?}, expected {expected:?} within {tolerance}"
    )]
    Wrong {
        /// The golden vector's name.
        name: &'static str,
        /// The batch bucket.
        n_images: usize,
        /// The place in the batch.
        image_idx: usize,
        /// The device's answer.
        actual: [f32; 5],
        /// nsfwjs's answer.
        expected: [f32; 5],
        /// Largest difference allowed.
        tolerance: f32,
    },
    /// The device left places of a batch without an answer.
    #[error("a batch of {n_images} images got {answers} answers")]
    Incomplete {
        /// The batch bucket.
        n_images: usize,
        /// Answers that came.
        answers: usize,
    },
    /// The device gave no answer.
    #[error(transparent)]
    Failed(#[from] ClassifyError),
}

/// Runs the golden vectors through every bucket of `classifier`, which also
/// warms them. Every vector is seen by every bucket, and vectors change places
/// from batch to batch, so that an answer in the wrong place is noticed.
///
/// # Errors
/// [`GoldenMismatch`] for the first answer that is missing, further than
/// `tolerance` from its golden value, or of another label.
pub fn check(
    classifier: &mut dyn Classifier,
    tolerance: f32,
) -> Result<GoldenReport, GoldenMismatch> {
    let spec = classifier.spec();
    let inputs: Vec<Vec<u16>> = spec
        .golden
        .iter()
        .map(|golden| golden.samples(spec.side_usize()))
        .collect();
    let buckets = classifier.buckets().to_vec();
    let buckets = buckets
        .into_iter()
        .map(|n_images| check_bucket(classifier, n_images, &inputs, tolerance))
        .collect::<Result<_, _>>()?;
    Ok(GoldenReport { buckets })
}

fn check_bucket(
    classifier: &mut dyn Classifier,
    n_images: usize,
    inputs: &[Vec<u16>],
    tolerance: f32,
) -> Result<BucketReport, GoldenMismatch> {
    let golden = classifier.spec().golden;
    let mut report = BucketReport {
        n_images,
        worst_error: 0.0,
        batch_time: Duration::ZERO,
    };
    let n_batches = inputs.len().div_ceil(n_images).max(2);
    for batch_idx in 0..n_batches {
        let first = batch_idx * n_images;
        let vectors: Vec<usize> = (first..first + n_images)
            .map(|i| i % inputs.len())
            .collect();
        let samples: Vec<u16> = vectors
            .iter()
            .flat_map(|&v| inputs[v].iter().copied())
            .collect();
        let started = Instant::now();
        let answers = classifier.classify(&samples, n_images)?;
        report.batch_time = started.elapsed();
        if answers.len() != n_images {
            return Err(GoldenMismatch::Incomplete {
                n_images,
                answers: answers.len(),
            });
        }
        for (image_idx, (&vector, answer)) in vectors.iter().zip(&answers).enumerate() {
            let error = golden[vector].error(answer);
            // A NaN error is not within the tolerance either.
            if error.is_nan() || error > tolerance || !golden[vector].has_label_of(answer) {
                return Err(GoldenMismatch::Wrong {
                    name: golden[vector].name,
                    n_images,
                    image_idx,
                    actual: answer.to_array(),
                    expected: golden[vector].expected,
                    tolerance,
                });
            }
            report.worst_error = report.worst_error.max(error);
        }
    }
    Ok(report)
}

impl Golden {
    const fn new(pattern_idx: usize, expected: [f32; 5]) -> Self {
        let (name, pixel) = PATTERNS[pattern_idx];
        Self {
            name,
            pixel,
            expected,
        }
    }

    /// The input as u16 fixed point samples, HWC.
    pub fn samples(&self, side: usize) -> Vec<u16> {
        let row = |y| (0..side).flat_map(move |x| (0..3).map(move |channel| (x, y, channel)));
        (0..side)
            .flat_map(row)
            .map(|(x, y, channel)| u16::from((self.pixel)(x, y, channel)) * 257)
            .collect()
    }

    /// Whether `answer` gets the label that nsfwjs's answer gets.
    fn has_label_of(&self, answer: &Scores) -> bool {
        let label = |scores: &Scores| Thresholds::default().judge(scores).label;
        label(&Scores::from_array(self.expected)) == label(answer)
    }

    /// Largest difference of any class of `answer`; NaN if any class is NaN.
    fn error(&self, answer: &Scores) -> f32 {
        let differences = self
            .expected
            .iter()
            .zip(answer.to_array())
            .map(|(e, a)| (e - a).abs());
        differences.fold(
            0.0,
            |worst, d| if d.is_nan() || worst < d { d } else { worst },
        )
    }
}

/// The patterns that nsfwjs was asked about, by what each is called.
const PATTERNS: [(&str, Pattern); 5] = [
    ("black", |_, _, _| 0),
    ("grey", |_, _, _| 128),
    ("red", |_, _, channel| if channel == 0 { 255 } else { 0 }),
    ("blue", |_, _, channel| if channel == 2 { 255 } else { 0 }),
    ("slanted ramp", |x, y, channel| {
        u8::try_from((3 * x + 5 * y + 7 * channel) % 256).unwrap_or(0)
    }),
];

const fn golden(expected: [[f32; 5]; 5]) -> [Golden; 5] {
    let mut golden = [const { Golden::new(0, [0.0; 5]) }; 5];
    let mut pattern_idx = 0;
    while pattern_idx < golden.len() {
        golden[pattern_idx] = Golden::new(pattern_idx, expected[pattern_idx]);
        pattern_idx += 1;
    }
    golden
}

/// Answers of nsfwjs 4.4.0, tfjs backend in f32.
pub(crate) static MOBILENET_V2_GOLDEN: [Golden; 5] = golden([
    [
        0.788_308,
        0.026_247_1,
        0.173_372_4,
        0.010_009_59,
        0.002_062_906,
    ],
    [
        0.837_060_1,
        0.023_631_91,
        0.129_202_9,
        0.008_569_187,
        0.001_535_941,
    ],
    [
        0.943_106_1,
        0.010_567_42,
        0.044_069_09,
        0.001_776_064,
        0.000_481_318_8,
    ],
    [
        0.951_056_2,
        0.018_098_7,
        0.028_187_99,
        0.002_208_645,
        0.000_448_415_4,
    ],
    [
        0.033_402_11,
        0.032_348_11,
        0.765_976_1,
        0.161_803_4,
        0.006_470_207,
    ],
]);

/// Answers of nsfwjs 4.4.0 on tfjs' wasm backend, by
/// `tests/nsfwjs/score.mjs --model mobilenet_v2_mid --golden`.
pub(crate) static MOBILENET_V2_MID_GOLDEN: [Golden; 5] = golden([
    [
        0.024_494_23,
        0.022_523_19,
        0.950_718_6,
        0.001_114_257,
        0.001_149_72,
    ],
    [
        0.048_415_6,
        0.042_130_73,
        0.906_329_7,
        0.001_532_66,
        0.001_591_229,
    ],
    [
        0.056_953_08,
        0.055_450_15,
        0.883_965_1,
        0.001_648_007,
        0.001_983_707,
    ],
    [
        0.030_120_45,
        0.015_220_87,
        0.953_996,
        0.000_173_892,
        0.000_488_845_5,
    ],
    [
        0.015_379_32,
        0.002_029_681,
        0.982_151_3,
        0.000_221_478_5,
        0.000_218_260_2,
    ],
]);

/// Answers of nsfwjs 4.4.0 on tfjs' wasm backend, by
/// `tests/nsfwjs/score.mjs --model inception_v3 --golden`.
pub(crate) static INCEPTION_V3_GOLDEN: [Golden; 5] = golden([
    [
        0.373_822_1,
        0.038_264_4,
        0.560_988_2,
        0.018_950_66,
        0.007_974_735,
    ],
    [
        0.611_554_3,
        0.073_469_84,
        0.299_258_7,
        0.013_138_99,
        0.002_578_106,
    ],
    [
        0.362_862,
        0.058_854_58,
        0.548_997_8,
        0.020_801_7,
        0.008_483_952,
    ],
    [
        0.362_875_3,
        0.032_051_27,
        0.590_872_6,
        0.010_023_66,
        0.004_177_101,
    ],
    [
        0.006_359_847,
        0.000_633_35,
        0.991_551_8,
        0.001_293_253,
        0.000_161_769_8,
    ],
]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Fake, Manner};
    use crate::manifest;

    fn check(manner: Manner) -> Result<GoldenReport, GoldenMismatch> {
        super::check(&mut Fake::new("fake", manner), GPU_TOLERANCE)
    }

    #[test]
    fn a_device_with_the_right_answers_passes_in_every_bucket() {
        let report = check(Manner::Right).unwrap();
        let buckets: Vec<usize> = report
            .buckets
            .iter()
            .map(|bucket| bucket.n_images)
            .collect();
        assert_eq!((buckets, report.worst_error()), (vec![1, 4], 0.0));
    }

    #[test]
    fn a_device_with_wrong_answers_is_refused() {
        for manner in [Manner::SlightlyWrong, Manner::NotANumber] {
            assert!(matches!(check(manner), Err(GoldenMismatch::Wrong { .. })));
        }
        let text = check(Manner::SlightlyWrong).unwrap_err().to_string();
        assert!(
            text.contains("\"black\" in place 0 of a batch of 1"),
            "{text}"
        );
    }

    #[test]
    fn answers_in_the_wrong_places_are_noticed() {
        let mismatch = check(Manner::Shuffled).unwrap_err();
        assert!(
            matches!(mismatch, GoldenMismatch::Wrong { n_images: 4, .. }),
            "{mismatch}"
        );
    }

    #[test]
    fn a_missing_answer_is_noticed() {
        assert!(matches!(
            check(Manner::LeavesOneOut),
            Err(GoldenMismatch::Incomplete { .. })
        ));
        assert!(matches!(
            check(Manner::Errs),
            Err(GoldenMismatch::Failed(_))
        ));
    }

    #[test]
    fn golden_answers_are_probabilities() {
        for golden in manifest::models().iter().flat_map(|spec| spec.golden) {
            assert!(
                Scores::from_array(golden.expected).is_distribution(),
                "{}",
                golden.name
            );
        }
    }
}
