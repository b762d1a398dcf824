//! MobileNetV2 with nsfwjs's head: Sandler et al., "MobileNetV2: Inverted
//! Residuals and Linear Bottlenecks", 2018, table 2.

use imgshare_kernels::network::{Activation, Bottleneck, Conv, Layer, Network, Padding};

use super::folded::{Names, Sizes, conv, dense, depthwise};
use crate::weights::{Weights, WeightsError};

/// One line of the paper's table: `repeats` inverted residuals, of which the
/// first has the stride.
struct Stage {
    expansion: usize,
    channels: usize,
    repeats: usize,
    stride: usize,
}

impl Stage {
    const fn new(expansion: usize, channels: usize, repeats: usize, stride: usize) -> Self {
        Self {
            expansion,
            channels,
            repeats,
            stride,
        }
    }
}

const STEM_CHANNELS: usize = 32;
const STAGES: [Stage; 7] = [
    Stage::new(1, 16, 1, 1),
    Stage::new(6, 24, 2, 2),
    Stage::new(6, 32, 3, 2),
    Stage::new(6, 64, 4, 2),
    Stage::new(6, 96, 3, 1),
    Stage::new(6, 160, 3, 2),
    Stage::new(6, 320, 1, 1),
];
const FEATURES: usize = 1280;
/// nsfwjs's head: two hidden layers, then the classes.
const DENSE: [(&str, usize, usize, Activation); 3] = [
    ("dense_1", FEATURES, 256, Activation::Relu),
    ("dense_2", 256, 128, Activation::Relu),
    ("dense_3", 128, 5, Activation::None),
];

/// The network with `weights` in it.
pub(super) fn describe(weights: &Weights) -> Result<Network, WeightsError> {
    let relu6 = Activation::Relu6;
    let stem = Sizes {
        channels_in: 3,
        channels_out: STEM_CHANNELS,
        kernel: [3, 3],
        stride: 2,
        padding: padding(2),
    };
    let names = Names {
        kernel: "Conv1/kernel",
        norm: "bn_Conv1",
    };
    // The first block has no expansion: what it filters is the stem's.
    let mut expand = Some(conv(weights, &names, stem, relu6)?);
    let mut layers = Vec::new();
    let mut channels_in = STEM_CHANNELS;
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            let name = match layers.len() {
                0 => "expanded_conv".to_owned(),
                block_idx => format!("block_{block_idx}"),
            };
            let expanded = channels_in * stage.expansion;
            let expand = match expand.take() {
                Some(stem) => stem,
                None => part(weights, &name, "expand", [channels_in, expanded], relu6)?,
            };
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let names = Names {
                kernel: &format!("{name}_depthwise/depthwise_kernel"),
                norm: &format!("{name}_depthwise_BN"),
            };
            let sides = [expanded, stage.channels];
            layers.push(Layer::Bottleneck(Box::new(Bottleneck {
                expand,
                depthwise: depthwise(weights, &names, expanded, (stride, padding(stride)), relu6)?,
                project: part(weights, &name, "project", sides, Activation::None)?,
                is_residual: stride == 1 && channels_in == stage.channels,
            })));
            channels_in = stage.channels;
        }
    }

    let names = Names {
        kernel: "Conv_1/kernel",
        norm: "Conv_1_bn",
    };
    let features = Sizes::pointwise(channels_in, FEATURES);
    layers.push(Layer::Conv(conv(weights, &names, features, relu6)?));
    layers.push(Layer::GlobalAveragePool);
    for (name, inputs, outputs, activation) in DENSE {
        let dense = dense(weights, name, [inputs, outputs], activation)?;
        layers.push(Layer::Dense(dense));
    }
    layers.push(Layer::Softmax);
    let side = weights.spec().side_usize();
    Ok(Network {
        height: side,
        width: side,
        layers,
    })
}

/// A pointwise part of the block called `name`.
fn part(
    weights: &Weights,
    name: &str,
    part: &str,
    [channels_in, channels_out]: [usize; 2],
    activation: Activation,
) -> Result<Conv, WeightsError> {
    let names = Names {
        kernel: &format!("{name}_{part}/kernel"),
        norm: &format!("{name}_{part}_BN"),
    };
    let sizes = Sizes::pointwise(channels_in, channels_out);
    conv(weights, &names, sizes, activation)
}

/// Keras pads a strided convolution of even input at the bottom and right only.
fn padding(stride: usize) -> Padding {
    if stride == 1 {
        return Padding::all(1);
    }
    Padding {
        top: 0,
        left: 0,
        bottom: 1,
        right: 1,
    }
}
