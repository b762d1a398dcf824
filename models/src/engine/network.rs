//! The network on one burn device.

use burn::tensor::{Device, Tensor};

use crate::classifier::{self, ClassifyError};
use crate::manifest::ModelSpec;
use crate::nets::{self, OnBurn};
use crate::scores::Scores;
use crate::weights::{Weights, WeightsError};

/// What stands for 1.0 in a sample.
pub(super) const ONE: f32 = 65_535.0;

/// Brings samples onto a device as 0..=1 in the shape `[n, side, side, 3]`.
pub(super) type Upload = fn(&[u16], [usize; 4], &Device) -> Tensor<4>;

/// A network with its weights on a device.
pub(super) struct Network {
    pub(super) spec: &'static ModelSpec,
    /// For people.
    pub(super) device_name: String,
    device: Device,
    upload: Upload,
    layers: OnBurn,
}

impl Network {
    pub(super) fn load(
        weights: &Weights,
        device: Device,
        device_name: String,
        upload: Upload,
    ) -> Result<Self, WeightsError> {
        let layers = OnBurn::build(&nets::describe(weights)?, &device);
        Ok(Self {
            spec: weights.spec(),
            device_name,
            device,
            upload,
            layers,
        })
    }

    /// Scores of the images in `samples`, as one batch.
    pub(super) fn run(&self, samples: &[u16]) -> Result<Vec<Scores>, ClassifyError> {
        let n_images = samples.len() / self.spec.samples();
        let side = self.spec.side_usize();
        let input = (self.upload)(samples, [n_images, side, side, 3], &self.device);
        let output = self.layers.forward(input.permute([0, 3, 1, 2]));
        let output = output.try_into_data().map_err(|error| self.failed(error))?;
        let output = output
            .try_into_vec::<f32>()
            .map_err(|error| self.failed(error))?;
        let (answers, _) = output.as_chunks::<5>();
        answers
            .iter()
            .map(|&answer| classifier::scores(answer, &self.device_name))
            .collect()
    }

    fn failed(&self, reason: impl std::fmt::Display) -> ClassifyError {
        ClassifyError::Device {
            device: self.device_name.clone(),
            reason: reason.to_string(),
        }
    }
}
