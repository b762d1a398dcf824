//! The network on one burn device, called from one thread.

use burn::tensor::{Device, DeviceKind, Int, Tensor, TensorData};

use super::adapter;
use crate::classifier::{Classifier, ClassifyError, check_batch};
use crate::manifest::ModelSpec;
use crate::nets::MobileNetV2;
use crate::scores::Scores;
use crate::weights::{Weights, WeightsError};

/// Batch sizes on the CPU.
const CPU_BUCKETS: &[usize] = &[1, 8];
/// Batch sizes on a GPU.
const GPU_BUCKETS: &[usize] = &[1, 4, 16, 64];
/// Batch sizes on software Vulkan, where an image takes a third of a second.
const SOFTWARE_GPU_BUCKETS: &[usize] = &[1, 4];

/// A network on a device. Must be built and used on the same thread.
pub(super) struct Runner {
    spec: &'static ModelSpec,
    device: Device,
    device_name: String,
    buckets: &'static [usize],
    upload: fn(&[u16], [usize; 4], &Device) -> Tensor<4>,
    network: MobileNetV2,
}

impl Runner {
    /// On the CPU.
    pub(super) fn cpu(weights: &Weights) -> Result<Self, WeightsError> {
        let device = Device::flex();
        Ok(Self {
            spec: weights.spec(),
            network: MobileNetV2::load(weights, &device)?,
            device,
            device_name: "cpu (burn-flex)".to_owned(),
            buckets: CPU_BUCKETS,
            upload: upload_floats,
        })
    }

    /// On a GPU that [`adapter::find`] found.
    pub(super) fn gpu(weights: &Weights, device: Device) -> Result<Self, WeightsError> {
        let is_software = device == Device::wgpu(DeviceKind::Cpu);
        Ok(Self {
            spec: weights.spec(),
            network: MobileNetV2::load(weights, &device)?,
            device_name: adapter::name(&device),
            device,
            buckets: if is_software { SOFTWARE_GPU_BUCKETS } else { GPU_BUCKETS },
            upload: upload_packed,
        })
    }

    fn failed(&self, reason: impl std::fmt::Display) -> ClassifyError {
        ClassifyError::Device { device: self.device_name.clone(), reason: reason.to_string() }
    }
}

impl Classifier for Runner {
    fn spec(&self) -> &'static ModelSpec {
        self.spec
    }

    fn device(&self) -> String {
        self.device_name.clone()
    }

    fn buckets(&self) -> &[usize] {
        self.buckets
    }

    fn classify(
        &mut self,
        samples: &[u16],
        n_images: usize,
    ) -> Result<Vec<Scores>, ClassifyError> {
        check_batch(self.spec, samples, n_images)?;
        let largest = self.buckets.last().copied().unwrap_or(1);
        let mut scores = Vec::with_capacity(n_images);
        for samples in samples.chunks(largest * self.spec.samples()) {
            scores.extend(self.classify_chunk(samples)?);
        }
        Ok(scores)
    }
}

impl Runner {
    fn classify_chunk(&self, samples: &[u16]) -> Result<Vec<Scores>, ClassifyError> {
        let n_images = samples.len() / self.spec.samples();
        let side = usize::try_from(self.spec.side).map_err(|error| self.failed(error))?;
        let input = (self.upload)(samples, [n_images, side, side, 3], &self.device);
        let output = self.network.forward(input.permute([0, 3, 1, 2]));
        let output = output.try_into_data().map_err(|error| self.failed(error))?;
        let output = output.try_into_vec::<f32>().map_err(|error| self.failed(error))?;
        let (answers, _) = output.as_chunks::<5>();
        answers
            .iter()
            .map(|&answer| {
                let scores = Scores::from_array(answer);
                let device = || self.device_name.clone();
                scores
                    .is_distribution()
                    .then_some(scores)
                    .ok_or_else(|| ClassifyError::NotProbabilities { device: device(), answer })
            })
            .collect()
    }
}

/// What stands for 1.0 in a sample.
const ONE: f32 = 65_535.0;

fn upload_floats(samples: &[u16], shape: [usize; 4], device: &Device) -> Tensor<4> {
    let floats: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / ONE).collect();
    Tensor::from_data(TensorData::new(floats, shape), device)
}

/// Sends two samples in each 32-bit integer, half of what floats would take,
/// and takes them apart on the device: WGSL has no 16-bit integers.
fn upload_packed(samples: &[u16], shape: [usize; 4], device: &Device) -> Tensor<4> {
    let (pairs, _) = samples.as_chunks::<2>();
    let packed: Vec<i32> = pairs
        .iter()
        .map(|&[low, high]| (u32::from(high) << 16 | u32::from(low)).cast_signed())
        .collect();
    let length = packed.len();
    let packed = Tensor::<1, Int>::from_data(TensorData::new(packed, [length]), device);
    let low = packed.clone().bitwise_and_scalar(0xffff);
    // The shift keeps the sign, which the mask removes.
    let high = packed.bitwise_right_shift_scalar(16).bitwise_and_scalar(0xffff);
    let samples: Tensor<2, Int> = Tensor::stack(vec![low, high], 1);
    samples.float().div_scalar(ONE).reshape(shape)
}
