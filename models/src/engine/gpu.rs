//! The network on a GPU, real or in software, through burn-wgpu.

use std::time::Duration;

use burn::tensor::{Device, Int, Tensor, TensorData};
use cubecl::config::autotune::{AutotuneLevel, BenchConfig};
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

use super::DeviceChoice;
use super::adapter::{self, Adapter};
use super::device_thread::{DeviceThread, Refusal, Timeouts};
use super::network::{Network, ONE};
use crate::classifier::{Classifier, ClassifyError};
use crate::manifest::ModelSpec;
use crate::scores::Scores;
use crate::weights::Weights;

const BUCKETS: &[usize] = &[1, 4, 16, 64];
/// Software Vulkan takes most of a minute to tune one bucket. This one has more
/// than one image, so that a mix-up of images would show.
const SOFTWARE_BUCKETS: &[usize] = &[2];

/// A GPU compiles and tunes some hundred kernels a bucket at its start.
const TIMEOUTS: Timeouts = Timeouts {
    start: Duration::from_secs(600),
    batch: Duration::from_secs(20),
};
/// Software Vulkan does that on the CPU, which may be busy.
const SOFTWARE_TIMEOUTS: Timeouts = Timeouts {
    start: Duration::from_secs(900),
    batch: Duration::from_secs(120),
};

/// The network of `weights` on the GPU of `choice`, warm, on its own thread.
pub(super) fn start(weights: &Weights, choice: DeviceChoice) -> Result<DeviceThread, Refusal> {
    let timeouts = if choice == DeviceChoice::SoftwareGpu {
        SOFTWARE_TIMEOUTS
    } else {
        TIMEOUTS
    };
    let weights = weights.clone();
    DeviceThread::start(weights.spec(), timeouts, move || {
        tune_lightly_in_software(choice);
        let adapter = adapter::open(choice)
            .map_err(Refusal::Failed)?
            .ok_or(Refusal::Absent)?;
        Gpu::load(&weights, adapter)
    })
}

/// Has kernels chosen after one try each where kernels are slow and none of
/// them is for production. burn reads this once a process.
fn tune_lightly_in_software(choice: DeviceChoice) {
    if choice != DeviceChoice::SoftwareGpu {
        return;
    }
    let mut config = CubeClRuntimeConfig::default();
    config.autotune.level = AutotuneLevel::Minimal;
    config.autotune.bench = BenchConfig {
        min_samples: 1,
        max_samples: 1,
        short_circuit_samples: 1,
        adaptive: false,
        ..BenchConfig::default()
    };
    if !CubeClRuntimeConfig::try_set(config) {
        tracing::debug!("kernels are tuned as set before");
    }
}

struct Gpu {
    network: Network,
    buckets: &'static [usize],
}

impl Gpu {
    fn load(weights: &Weights, adapter: Adapter) -> Result<Self, Refusal> {
        let Adapter {
            device,
            name,
            is_software,
        } = adapter;
        let network = Network::load(weights, device, name, upload_packed)
            .map_err(|error| Refusal::Failed(error.to_string()))?;
        Ok(Self {
            network,
            buckets: if is_software {
                SOFTWARE_BUCKETS
            } else {
                BUCKETS
            },
        })
    }
}

impl Classifier for Gpu {
    fn spec(&self) -> &'static ModelSpec {
        self.network.spec
    }

    fn device(&self) -> String {
        self.network.device_name.clone()
    }

    fn buckets(&self) -> &[usize] {
        self.buckets
    }

    /// Takes its buckets only: any other size would be compiled and tuned in
    /// the middle of the work.
    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        self.network.spec.check_batch(samples, n_images)?;
        if !self.buckets.contains(&n_images) {
            return Err(ClassifyError::BadBatch {
                n_images,
                samples: samples.len(),
            });
        }
        self.network.run(samples)
    }
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
    let high = packed
        .bitwise_right_shift_scalar(16)
        .bitwise_and_scalar(0xffff);
    let samples: Tensor<2, Int> = Tensor::stack(vec![low, high], 1);
    samples.float().div_scalar(ONE).reshape(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_samples_arrive_in_order() {
        let samples = [
            0, 1, 255, 256, 32_767, 32_768, 65_534, 65_535, 257, 65_280, 4_660, 2,
        ];
        let device = Device::flex();
        let tensor = upload_packed(&samples, [1, 2, 2, 3], &device);
        let values = tensor
            .try_into_data()
            .unwrap()
            .try_into_vec::<f32>()
            .unwrap();
        assert_eq!(values, samples.map(|sample| f32::from(sample) / ONE));
    }
}
