//! A classifier that knows the golden vectors by sight, and the ways a device
//! can fail.

use crate::classifier::{Classifier, ClassifyError};
use crate::manifest::{self, DEFAULT_MODEL, ModelSpec};
use crate::scores::Scores;

/// How the device behaves.
#[cfg_attr(
    not(feature = "burn"),
    expect(dead_code, reason = "engines are tested with burn")
)]
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Right,
    /// One class of one image is off by two hundredths.
    SlightlyWrong,
    /// Right answers, in the places of other images.
    Shuffled,
    NotANumber,
    LeavesOneOut,
    Errs,
    Panics,
    Hangs,
    /// Right for a number of batches, then it errs.
    DiesAfter(u32),
}

pub(crate) struct Fake {
    pub(crate) name: &'static str,
    pub(crate) manner: Manner,
    n_batches: u32,
    known: Vec<(Vec<u16>, Scores)>,
}

impl Fake {
    pub(crate) fn new(name: &'static str, manner: Manner) -> Self {
        let spec = spec();
        let known = spec.golden.iter().map(|golden| {
            (
                golden.samples(spec.side_usize()),
                Scores::from_array(golden.expected),
            )
        });
        Self {
            name,
            manner,
            n_batches: 0,
            known: known.collect(),
        }
    }

    fn answer(&self, image: &[u16]) -> Scores {
        let known = self.known.iter().find(|(samples, _)| samples == image);
        known.map_or(Scores::from_array([0.2; 5]), |(_, scores)| *scores)
    }

    fn fail(&self) -> ClassifyError {
        ClassifyError::Device {
            device: self.name.to_owned(),
            reason: "it is lost".to_owned(),
        }
    }
}

pub(crate) fn spec() -> &'static ModelSpec {
    manifest::find(DEFAULT_MODEL).unwrap()
}

impl Classifier for Fake {
    fn spec(&self) -> &'static ModelSpec {
        spec()
    }

    fn device(&self) -> String {
        self.name.to_owned()
    }

    fn buckets(&self) -> &[usize] {
        &[1, 4]
    }

    fn classify(
        &mut self,
        samples: &[u16],
        _n_images: usize,
    ) -> Result<Vec<Scores>, ClassifyError> {
        self.n_batches += 1;
        let images = samples.chunks(self.spec().samples());
        let mut scores: Vec<Scores> = images.map(|image| self.answer(image)).collect();
        match self.manner {
            Manner::Right => {}
            Manner::SlightlyWrong => scores[0].porn += 0.02,
            Manner::Shuffled => scores.rotate_left(1),
            Manner::NotANumber => scores[0].neutral = f32::NAN,
            Manner::LeavesOneOut => drop(scores.pop()),
            Manner::Errs => return Err(self.fail()),
            Manner::Panics => panic!("the driver is confused"),
            Manner::Hangs => loop {
                std::thread::park();
            },
            Manner::DiesAfter(n_batches) if self.n_batches > n_batches => return Err(self.fail()),
            Manner::DiesAfter(_) => {}
        }
        Ok(scores)
    }
}
