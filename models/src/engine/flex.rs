//! The network on the CPU by burn, the reference and the last resort.

use std::num::NonZero;
use std::thread;

use burn::tensor::{Device, Tensor, TensorData};

use super::contained::contained;
use super::network::{Network, ONE};
use crate::classifier::{Classifier, ClassifyError};
use crate::golden::CPU_TOLERANCE;
use crate::manifest::ModelSpec;
use crate::scores::Scores;
use crate::weights::{Weights, WeightsError};

/// Images are computed one by one whatever the batch, so a bucket costs
/// nothing. Eight images are a tenth of a second on two cores.
const BUCKETS: &[usize] = &[1, 2, 4, 8];

/// burn-flex on every core.
pub(super) struct Flex {
    network: Network,
    n_threads: usize,
}

impl Flex {
    pub(super) fn load(
        weights: &Weights,
        n_threads: Option<NonZero<usize>>,
    ) -> Result<Self, WeightsError> {
        let name = "cpu (burn-flex)".to_owned();
        let network = Network::load(weights, Device::flex(), name, upload_floats)?;
        Ok(Self {
            network,
            n_threads: n_threads
                .or_else(|| thread::available_parallelism().ok())
                .map_or(1, NonZero::get),
        })
    }

    /// Runs each image by itself: a batch of one keeps its activations in the
    /// cache, and a batch of eight took 1.4 times as long an image.
    fn run_each(&self, samples: &[u16]) -> Result<Vec<Scores>, ClassifyError> {
        let images = samples.chunks(self.network.spec.samples());
        let scores = images.map(|image| self.network.run(image));
        Ok(scores
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }
}

impl Classifier for Flex {
    fn spec(&self) -> &'static ModelSpec {
        self.network.spec
    }

    fn device(&self) -> String {
        self.network.device_name.clone()
    }

    fn buckets(&self) -> &[usize] {
        BUCKETS
    }

    fn tolerance(&self) -> f32 {
        CPU_TOLERANCE
    }

    /// Takes any number of images: a batch that was made up for a GPU's
    /// buckets must still be answered when that GPU is gone.
    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        self.network.spec.check_batch(samples, n_images)?;
        if n_images == 1 {
            return self.network.run(samples);
        }
        let share = n_images.div_ceil(self.n_threads) * self.network.spec.samples();
        let this = &*self;
        thread::scope(|scope| {
            let shares: Vec<_> = samples
                .chunks(share)
                .map(|share| scope.spawn(move || contained(|| this.run_each(share))))
                .collect();
            let mut scores = Vec::with_capacity(n_images);
            for share in shares {
                let answer = share
                    .join()
                    .unwrap_or_else(|_| Err("a thread ended".to_owned()));
                let answer = answer.map_err(|reason| ClassifyError::Device {
                    device: this.device(),
                    reason,
                });
                scores.extend(answer??);
            }
            Ok(scores)
        })
    }
}

fn upload_floats(samples: &[u16], shape: [usize; 4], device: &Device) -> Tensor<4> {
    let floats: Vec<f32> = samples
        .iter()
        .map(|&sample| f32::from(sample) / ONE)
        .collect();
    Tensor::from_data(TensorData::new(floats, shape), device)
}
