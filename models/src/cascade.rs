//! Two models, of which the second decides where the first leaves a doubt: a
//! large model's answers where they matter, at little more than a small one's
//! cost.

use crate::classifier::{Classifier, ClassifyError};
use crate::manifest::ModelSpec;
use crate::scores::{Scores, Thresholds};

/// A classifier with another one behind it. By itself it answers as the first;
/// who has the second's inputs too asks [`Classifier::second`].
pub struct Cascade {
    first: Box<dyn Classifier>,
    second: Box<dyn Classifier>,
    doubt: Doubt,
}

/// When scores do not settle a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    /// Where scores turn into a label.
    pub thresholds: Thresholds,
    /// Distance to a label threshold within which they do not settle it, 0..1.
    pub band: f32,
}

/// The classifier that decides where the first leaves a doubt.
pub struct Second<'a> {
    /// It has its own input square and its own batch sizes.
    pub classifier: &'a mut dyn Classifier,
    /// When it is to be asked.
    pub doubt: Doubt,
}

impl Doubt {
    /// Whether `scores` lie within the band of one of the thresholds that make
    /// the label.
    pub fn about(&self, scores: &Scores) -> bool {
        let is_near = |mass: f32, threshold: f32| (mass - threshold).abs() < self.band;
        is_near(scores.explicit_mass(), self.thresholds.explicit)
            || is_near(scores.sexy, self.thresholds.sexy)
    }
}

impl Cascade {
    /// Both are warm and have given their golden answers.
    pub fn new(first: Box<dyn Classifier>, second: Box<dyn Classifier>, doubt: Doubt) -> Self {
        Self {
            first,
            second,
            doubt,
        }
    }
}

impl Classifier for Cascade {
    fn spec(&self) -> &'static ModelSpec {
        self.first.spec()
    }

    /// Both devices where the two models run on different ones.
    fn device(&self) -> String {
        let (first, second) = (self.first.device(), self.second.device());
        if first == second {
            return first;
        }
        format!("{first}, {} on {second}", self.second.spec().id)
    }

    fn buckets(&self) -> &[usize] {
        self.first.buckets()
    }

    fn tolerance(&self) -> f32 {
        self.first.tolerance()
    }

    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        self.first.classify(samples, n_images)
    }

    fn second(&mut self) -> Option<Second<'_>> {
        Some(Second {
            classifier: self.second.as_mut(),
            doubt: self.doubt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Fake, Manner};

    fn is_doubtful(band: f32, classes: [f32; 5]) -> bool {
        let doubt = Doubt {
            thresholds: Thresholds::default(),
            band,
        };
        doubt.about(&Scores::from_array(classes))
    }

    #[test]
    fn doubt_is_near_either_threshold_and_nowhere_else() {
        assert!(is_doubtful(0.1, [0.0, 0.30, 0.45, 0.25, 0.0]));
        assert!(is_doubtful(0.1, [0.0, 0.0, 0.33, 0.67, 0.0]));
        assert!(is_doubtful(0.1, [0.0, 0.0, 0.15, 0.0, 0.85]));
        assert!(is_doubtful(0.2, [0.0, 0.0, 0.01, 0.0, 0.99]));
        assert!(!is_doubtful(0.1, [0.0, 0.0, 0.55, 0.45, 0.0]));
        assert!(!is_doubtful(0.1, [0.0, 0.05, 0.05, 0.90, 0.0]));
        assert!(!is_doubtful(0.1, [0.0, 0.0, 1.0, 0.0, 0.0]));
        assert!(!is_doubtful(0.0, [0.0, 0.0, 0.4, 0.6, 0.0]));
    }

    #[test]
    fn a_cascade_answers_as_its_first_and_names_both_devices() {
        let fake = |name| -> Box<dyn Classifier> { Box::new(Fake::new(name, Manner::Right)) };
        let doubt = Doubt {
            thresholds: Thresholds::default(),
            band: 0.2,
        };
        let one = Cascade::new(fake("gpu"), fake("gpu"), doubt);
        assert_eq!(one.device(), "gpu");
        let mut two = Cascade::new(fake("gpu"), fake("cpu"), doubt);
        assert_eq!(two.device(), "gpu, mobilenet_v2 on cpu");
        let second = two.second().unwrap();
        assert_eq!(
            (second.classifier.device().as_str(), second.doubt),
            ("cpu", doubt)
        );
        assert!(fake("gpu").second().is_none());
    }
}
