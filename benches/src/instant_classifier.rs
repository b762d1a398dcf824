//! A classifier that answers at once, for what happens around one.

use imgshare_models::classifier::{Classifier, ClassifyError};
use imgshare_models::manifest::{self, ModelSpec};
use imgshare_models::scores::Scores;

/// Knows the default model's shape and answers every picture alike.
#[derive(Debug, Clone, Copy)]
pub struct InstantClassifier;

impl InstantClassifier {
    /// The answer.
    pub const ANSWER: [f32; 5] = [0.0, 0.0, 1.0, 0.0, 0.0];
}

impl Classifier for InstantClassifier {
    fn spec(&self) -> &'static ModelSpec {
        &manifest::models()[0]
    }

    fn device(&self) -> String {
        "nothing (instant)".to_owned()
    }

    fn buckets(&self) -> &[usize] {
        &[1, 4, 16, 64]
    }

    fn classify(&mut self, _: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        Ok(vec![Scores::from_array(Self::ANSWER); n_images])
    }
}
