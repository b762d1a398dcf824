//! MobileNetV2 at width 1.0 with nsfwjs's head: Sandler et al., "MobileNetV2:
//! Inverted Residuals and Linear Bottlenecks", 2018, table 2.

use burn::tensor::activation::{relu, softmax};
use burn::tensor::{Device, Tensor, TensorData};

use super::folded::{Conv, DepthwiseConv, Names, Sizes};
use crate::weights::{Weights, WeightsError};

/// One line of the paper's table: `repeats` inverted residuals, of which the
/// first has the stride.
struct Stage {
    expansion: usize,
    channels: usize,
    repeats: usize,
    stride: usize,
}

const STEM_CHANNELS: usize = 32;
const STAGES: [Stage; 7] = [
    Stage {
        expansion: 1,
        channels: 16,
        repeats: 1,
        stride: 1,
    },
    Stage {
        expansion: 6,
        channels: 24,
        repeats: 2,
        stride: 2,
    },
    Stage {
        expansion: 6,
        channels: 32,
        repeats: 3,
        stride: 2,
    },
    Stage {
        expansion: 6,
        channels: 64,
        repeats: 4,
        stride: 2,
    },
    Stage {
        expansion: 6,
        channels: 96,
        repeats: 3,
        stride: 1,
    },
    Stage {
        expansion: 6,
        channels: 160,
        repeats: 3,
        stride: 2,
    },
    Stage {
        expansion: 6,
        channels: 320,
        repeats: 1,
        stride: 1,
    },
];
const FEATURES: usize = 1280;
/// nsfwjs's head: two hidden layers, then the classes.
const DENSE: [(&str, usize, usize); 3] = [
    ("dense_1", FEATURES, 256),
    ("dense_2", 256, 128),
    ("dense_3", 128, 5),
];

/// The network on one device.
pub(crate) struct MobileNetV2 {
    stem: Conv,
    blocks: Vec<InvertedResidual>,
    features: Conv,
    dense: Vec<Dense>,
}

impl MobileNetV2 {
    /// Builds the network from `weights` on `device`.
    pub(crate) fn load(weights: &Weights, device: &Device) -> Result<Self, WeightsError> {
        let conv =
            |kernel, norm, sizes| Conv::load(weights, &Names { kernel, norm }, sizes, device);
        let stem = Sizes {
            channels_in: 3,
            channels_out: STEM_CHANNELS,
            kernel: 3,
            stride: 2,
        };
        let stem = conv("Conv1/kernel", "bn_Conv1", stem)?;

        let mut blocks = Vec::new();
        let mut channels_in = STEM_CHANNELS;
        for stage in &STAGES {
            for repeat in 0..stage.repeats {
                let stride = if repeat == 0 { stage.stride } else { 1 };
                let shape = Shape {
                    channels_in,
                    channels_out: stage.channels,
                    stride,
                };
                let name = match blocks.len() {
                    0 => "expanded_conv".to_owned(),
                    block_idx => format!("block_{block_idx}"),
                };
                blocks.push(InvertedResidual::load(
                    weights,
                    &name,
                    stage.expansion,
                    shape,
                    device,
                )?);
                channels_in = stage.channels;
            }
        }

        let features = Sizes {
            channels_in,
            channels_out: FEATURES,
            kernel: 1,
            stride: 1,
        };
        let features = conv("Conv_1/kernel", "Conv_1_bn", features)?;
        let dense = DENSE
            .iter()
            .map(|&(name, inputs, outputs)| Dense::load(weights, name, [inputs, outputs], device))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            stem,
            blocks,
            features,
            dense,
        })
    }

    /// Class probabilities `[n, 5]` of `input`, `[n, 3, 224, 224]` in 0..=1.
    pub(crate) fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let x = relu6(self.stem.forward(input));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let x = relu6(self.features.forward(x));
        let pooled: Tensor<2> = x.flatten::<3>(2, 3).mean_dim(2).flatten(1, 2);
        let (last, hidden) = self.dense.split_last().expect("the head has three layers");
        let x = hidden
            .iter()
            .fold(pooled, |x, dense| relu(dense.forward(x)));
        softmax(last.forward(x), 1)
    }
}

#[derive(Clone, Copy)]
struct Shape {
    channels_in: usize,
    channels_out: usize,
    stride: usize,
}

/// Expand, filter each channel, project; added to its input where shapes agree.
struct InvertedResidual {
    expand: Option<Conv>,
    depthwise: DepthwiseConv,
    project: Conv,
    is_residual: bool,
}

impl InvertedResidual {
    fn load(
        weights: &Weights,
        name: &str,
        expansion: usize,
        shape: Shape,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let Shape {
            channels_in,
            channels_out,
            stride,
        } = shape;
        let expanded = channels_in * expansion;
        let pointwise = |part, channels_in, channels_out| {
            let kernel = format!("{name}_{part}/kernel");
            let norm = format!("{name}_{part}_BN");
            let sizes = Sizes {
                channels_in,
                channels_out,
                kernel: 1,
                stride: 1,
            };
            Conv::load(
                weights,
                &Names {
                    kernel: &kernel,
                    norm: &norm,
                },
                sizes,
                device,
            )
        };
        let depthwise = DepthwiseConv::load(
            weights,
            &Names {
                kernel: &format!("{name}_depthwise/depthwise_kernel"),
                norm: &format!("{name}_depthwise_BN"),
            },
            Sizes {
                channels_in: expanded,
                channels_out: expanded,
                kernel: 3,
                stride,
            },
            device,
        )?;
        Ok(Self {
            expand: (expansion > 1)
                .then(|| pointwise("expand", channels_in, expanded))
                .transpose()?,
            depthwise,
            project: pointwise("project", expanded, channels_out)?,
            is_residual: stride == 1 && channels_in == channels_out,
        })
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let shortcut = self.is_residual.then(|| input.clone());
        let x = match &self.expand {
            Some(expand) => relu6(expand.forward(input)),
            None => input,
        };
        let x = relu6(self.depthwise.forward(x));
        let x = self.project.forward(x);
        match shortcut {
            Some(shortcut) => x + shortcut,
            None => x,
        }
    }
}

struct Dense {
    kernel: Tensor<2>,
    /// `[1, outputs]`
    bias: Tensor<2>,
}

impl Dense {
    fn load(
        weights: &Weights,
        name: &str,
        [inputs, outputs]: [usize; 2],
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let kernel = weights
            .values(&format!("{name}/kernel"), &[inputs, outputs])?
            .to_vec();
        let bias = weights
            .values(&format!("{name}/bias"), &[outputs])?
            .to_vec();
        Ok(Self {
            kernel: Tensor::from_data(TensorData::new(kernel, [inputs, outputs]), device),
            bias: Tensor::from_data(TensorData::new(bias, [1, outputs]), device),
        })
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.kernel.clone()) + self.bias.clone()
    }
}

/// Two operations, because burn-flex's `clamp` runs one value at a time, which
/// took a fifth of the whole network's time; a GPU fuses either form.
fn relu6(x: Tensor<4>) -> Tensor<4> {
    relu(x).clamp_max(6.0)
}
