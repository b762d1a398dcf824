//! A convolution with the batch norm behind it folded into its weights:
//! `gamma * (conv(x) - mean) / sqrt(variance + eps) + beta` is one convolution
//! with scaled kernels and a bias.

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};

use crate::weights::{Weights, WeightsError};

/// What Keras adds to a variance before its root.
const EPSILON: f64 = 1e-3;

/// Names of a convolution and of the batch norm behind it in the weights.
pub(super) struct Names<'a> {
    pub(super) kernel: &'a str,
    pub(super) norm: &'a str,
}

/// Sizes of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    /// Side of the square kernel, 1 or 3.
    pub(super) kernel: usize,
    /// 1 or 2.
    pub(super) stride: usize,
}

/// A convolution over all channels, NCHW.
pub(super) struct Conv {
    kernel: Tensor<4>,
    bias: Tensor<1>,
    options: ConvOptions<2>,
}

/// A convolution of each channel by itself, NCHW.
pub(super) struct DepthwiseConv {
    kernel: Tensor<4>,
    /// `[1, channels, 1, 1]`. Added by itself: burn's fast depthwise kernels
    /// refuse a bias, and fusion joins the addition with what follows it.
    bias: Tensor<4>,
    options: ConvOptions<2>,
}

impl Conv {
    pub(super) fn load(
        weights: &Weights,
        names: &Names<'_>,
        sizes: Sizes,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let Sizes {
            channels_in,
            channels_out,
            kernel: side,
            ..
        } = sizes;
        let hwio = weights.values(names.kernel, &[side, side, channels_in, channels_out])?;
        let norm = Norm::load(weights, names.norm, channels_out)?;
        let position =
            |spatial, input, output| hwio[(spatial * channels_in + input) * channels_out + output];
        let mut oihw = Vec::with_capacity(hwio.len());
        for output in 0..channels_out {
            for input in 0..channels_in {
                for spatial in 0..side * side {
                    oihw.push(norm.scale(output, position(spatial, input, output)));
                }
            }
        }
        let shape = [channels_out, channels_in, side, side];
        Ok(Self {
            kernel: Tensor::from_data(TensorData::new(oihw, shape), device),
            bias: Tensor::from_data(TensorData::new(norm.bias(), [channels_out]), device),
            options: options(sizes, 1),
        })
    }

    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        conv2d(
            input,
            self.kernel.clone(),
            Some(self.bias.clone()),
            self.options.clone(),
        )
    }
}

impl DepthwiseConv {
    pub(super) fn load(
        weights: &Weights,
        names: &Names<'_>,
        sizes: Sizes,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let Sizes {
            channels_out: channels,
            kernel: side,
            ..
        } = sizes;
        let hwc = weights.values(names.kernel, &[side, side, channels, 1])?;
        let norm = Norm::load(weights, names.norm, channels)?;
        let mut chw = Vec::with_capacity(hwc.len());
        for channel in 0..channels {
            for spatial in 0..side * side {
                chw.push(norm.scale(channel, hwc[spatial * channels + channel]));
            }
        }
        let bias = TensorData::new(norm.bias(), [1, channels, 1, 1]);
        Ok(Self {
            kernel: Tensor::from_data(TensorData::new(chw, [channels, 1, side, side]), device),
            bias: Tensor::from_data(bias, device),
            options: options(sizes, channels),
        })
    }

    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        conv2d(input, self.kernel.clone(), None, self.options.clone()) + self.bias.clone()
    }
}

/// Keras pads a strided convolution of even input at the bottom and right only.
fn options(sizes: Sizes, groups: usize) -> ConvOptions<2> {
    let padding = match (sizes.kernel, sizes.stride) {
        (1, _) => (0, 0),
        (_, 1) => (1, 1),
        _ => (0, 1),
    };
    ConvOptions::new_with_padding([sizes.stride; 2], [padding; 2], [1, 1], groups)
}

/// A batch norm as a gain and a bias a channel.
struct Norm {
    gain: Vec<f64>,
    bias: Vec<f64>,
}

impl Norm {
    fn load(weights: &Weights, name: &str, channels: usize) -> Result<Self, WeightsError> {
        let part = |part| weights.values(&format!("{name}/{part}"), &[channels]);
        let (gamma, beta) = (part("gamma")?, part("beta")?);
        let (mean, variance) = (part("moving_mean")?, part("moving_variance")?);
        let gain: Vec<f64> = gamma
            .iter()
            .zip(variance)
            .map(|(&gamma, &variance)| f64::from(gamma) / (f64::from(variance) + EPSILON).sqrt())
            .collect();
        let bias = beta
            .iter()
            .zip(mean)
            .zip(&gain)
            .map(|((&beta, &mean), gain)| f64::from(beta) - f64::from(mean) * gain)
            .collect();
        Ok(Self { gain, bias })
    }

    fn scale(&self, channel: usize, value: f32) -> f32 {
        to_f32(f64::from(value) * self.gain[channel])
    }

    fn bias(&self) -> Vec<f32> {
        self.bias.iter().copied().map(to_f32).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn to_f32(value: f64) -> f32 {
    value as f32
}
