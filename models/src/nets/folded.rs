//! Convolutions with the batch norm behind them folded into their weights:
//! `gamma * (conv(x) - mean) / sqrt(variance + eps) + beta` is one convolution
//! with scaled kernels and a bias.

use imgshare_kernels::network::{Activation, Conv, Dense, Depthwise, Padding};

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
    /// Rows and columns of the kernel.
    pub(super) kernel: [usize; 2],
    pub(super) stride: usize,
    pub(super) padding: Padding,
}

impl Sizes {
    /// A 1x1 convolution.
    pub(super) const fn pointwise(channels_in: usize, channels_out: usize) -> Self {
        Self {
            channels_in,
            channels_out,
            kernel: [1, 1],
            stride: 1,
            padding: Padding::all(0),
        }
    }
}

/// A convolution over all channels and its batch norm.
pub(super) fn conv(
    weights: &Weights,
    names: &Names<'_>,
    sizes: Sizes,
    activation: Activation,
) -> Result<Conv, WeightsError> {
    let [height, width] = sizes.kernel;
    let shape = [height, width, sizes.channels_in, sizes.channels_out];
    let hwio = weights.values(names.kernel, &shape)?;
    let norm = Norm::load(weights, names.norm, sizes.channels_out)?;
    Ok(Conv {
        kernel_height: height,
        kernel_width: width,
        stride: sizes.stride,
        padding: sizes.padding,
        weights: norm.scaled(hwio),
        bias: norm.bias(),
        activation,
    })
}

/// A 3x3 convolution of each channel by itself and its batch norm.
pub(super) fn depthwise(
    weights: &Weights,
    names: &Names<'_>,
    channels: usize,
    (stride, padding): (usize, Padding),
    activation: Activation,
) -> Result<Depthwise, WeightsError> {
    let hwc = weights.values(names.kernel, &[3, 3, channels, 1])?;
    let norm = Norm::load(weights, names.norm, channels)?;
    Ok(Depthwise {
        stride,
        padding,
        weights: norm.scaled(hwc),
        bias: norm.bias(),
        activation,
    })
}

/// A fully connected layer, which has no norm.
pub(super) fn dense(
    weights: &Weights,
    name: &str,
    sides: [usize; 2],
    activation: Activation,
) -> Result<Dense, WeightsError> {
    let (kernel, bias) = (format!("{name}/kernel"), format!("{name}/bias"));
    dense_of(weights, [&kernel, &bias], sides, activation)
}

/// A fully connected layer from the tensors called `kernel` and `bias`.
pub(super) fn dense_of(
    weights: &Weights,
    [kernel, bias]: [&str; 2],
    [inputs, outputs]: [usize; 2],
    activation: Activation,
) -> Result<Dense, WeightsError> {
    let kernel = weights.values(kernel, &[inputs, outputs])?;
    let bias = weights.values(bias, &[outputs])?;
    Ok(Dense {
        weights: kernel.to_vec(),
        bias: bias.to_vec(),
        activation,
    })
}

/// A batch norm as a gain and a bias a channel.
struct Norm {
    gain: Vec<f64>,
    bias: Vec<f64>,
}

impl Norm {
    /// A norm without a gamma has 1 in its place.
    fn load(weights: &Weights, name: &str, channels: usize) -> Result<Self, WeightsError> {
        let part = |part| weights.values(&format!("{name}/{part}"), &[channels]);
        let ones = vec![1.0; channels];
        let gamma = match weights.has(&format!("{name}/gamma")) {
            true => part("gamma")?,
            false => &ones,
        };
        let beta = part("beta")?;
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

    /// Kernels whose innermost index is the output channel.
    fn scaled(&self, kernels: &[f32]) -> Vec<f32> {
        let gains = self.gain.iter().cycle();
        let scaled = kernels.iter().zip(gains);
        scaled
            .map(|(&value, gain)| to_f32(f64::from(value) * gain))
            .collect()
    }

    fn bias(&self) -> Vec<f32> {
        self.bias.iter().copied().map(to_f32).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn to_f32(value: f64) -> f32 {
    value as f32
}
