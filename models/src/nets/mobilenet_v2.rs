//! MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear
//! Bottlenecks", 2018, table 2, at any width; and the model at width 1 with
//! nsfwjs's head, in the form that Keras gives it.

use imgshare_kernels::network::{
    Activation, Bottleneck, Conv, Depthwise, Layer, Levels, Network, Padding,
};

use super::folded::{self, Names, Sizes, conv, dense};
use crate::weights::{Weights, WeightsError};

/// One line of the paper's table: `repeats` inverted residuals, of which the
/// first has the stride.
struct Stage {
    expansion: usize,
    repeats: usize,
    stride: usize,
}

impl Stage {
    const fn new(expansion: usize, repeats: usize, stride: usize) -> Self {
        Self {
            expansion,
            repeats,
            stride,
        }
    }
}

const STAGES: [Stage; 7] = [
    Stage::new(1, 1, 1),
    Stage::new(6, 2, 2),
    Stage::new(6, 3, 2),
    Stage::new(6, 4, 2),
    Stage::new(6, 3, 1),
    Stage::new(6, 3, 2),
    Stage::new(6, 1, 1),
];

/// Channels of each part.
pub(super) struct Widths {
    pub(super) stem: usize,
    pub(super) stages: [usize; 7],
    pub(super) features: usize,
}

/// A convolution over all channels, by its place. Blocks are counted from 0.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Stem,
    Expand(usize),
    Project(usize),
    Features,
}

/// Where convolutions come from.
pub(super) trait Source {
    fn conv(
        &self,
        place: Place,
        sizes: Sizes,
        activation: Activation,
    ) -> Result<Conv, WeightsError>;

    /// The filter of a block, with ReLU6 behind it.
    fn depthwise(
        &self,
        block_idx: usize,
        channels: usize,
        stride: (usize, Padding),
    ) -> Result<Depthwise, WeightsError>;
}

/// The layers from the samples to one vector of features.
pub(super) fn features(source: &impl Source, widths: &Widths) -> Result<Vec<Layer>, WeightsError> {
    let relu6 = Activation::Relu6;
    let stem = Sizes {
        channels_in: 3,
        channels_out: widths.stem,
        kernel: [3, 3],
        stride: 2,
        padding: padding(2),
    };
    // The first block has no expansion: what it filters is the stem's.
    let mut expand = Some(source.conv(Place::Stem, stem, relu6)?);
    let mut layers = Vec::new();
    let mut channels_in = widths.stem;
    for (stage, channels) in STAGES.iter().zip(widths.stages) {
        for repeat in 0..stage.repeats {
            let block_idx = layers.len();
            let expanded = channels_in * stage.expansion;
            let expand = match expand.take() {
                Some(stem) => stem,
                None => {
                    let sizes = Sizes::pointwise(channels_in, expanded);
                    source.conv(Place::Expand(block_idx), sizes, relu6)?
                }
            };
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let sizes = Sizes::pointwise(expanded, channels);
            layers.push(Layer::Bottleneck(Box::new(Bottleneck {
                expand,
                depthwise: source.depthwise(block_idx, expanded, (stride, padding(stride)))?,
                project: source.conv(Place::Project(block_idx), sizes, Activation::None)?,
                is_residual: stride == 1 && channels_in == channels,
            })));
            channels_in = channels;
        }
    }
    let sizes = Sizes::pointwise(channels_in, widths.features);
    layers.push(Layer::Conv(source.conv(Place::Features, sizes, relu6)?));
    layers.push(Layer::GlobalAveragePool);
    Ok(layers)
}

/// Keras and TensorFlow pad a strided convolution of even input at the bottom
/// and right only.
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

const WIDTHS: Widths = Widths {
    stem: 32,
    stages: [16, 24, 32, 64, 96, 160, 320],
    features: 1280,
};
/// nsfwjs's head: two hidden layers, then the classes.
const DENSE: [(&str, usize, usize, Activation); 3] = [
    ("dense_1", WIDTHS.features, 256, Activation::Relu),
    ("dense_2", 256, 128, Activation::Relu),
    ("dense_3", 128, 5, Activation::None),
];

/// The network with `weights` in it.
pub(super) fn describe(weights: &Weights) -> Result<Network, WeightsError> {
    let mut layers = features(&Keras(weights), &WIDTHS)?;
    for (name, inputs, outputs, activation) in DENSE {
        let dense = dense(weights, name, [inputs, outputs], activation)?;
        layers.push(Layer::Dense(dense));
    }
    layers.push(Layer::Softmax);
    let side = weights.spec().side_usize();
    Ok(Network {
        height: side,
        width: side,
        levels: Levels::UNIT,
        layers,
    })
}

/// Weights under Keras's names, with their batch norms beside them.
struct Keras<'a>(&'a Weights);

impl Source for Keras<'_> {
    fn conv(
        &self,
        place: Place,
        sizes: Sizes,
        activation: Activation,
    ) -> Result<Conv, WeightsError> {
        let (kernel, norm) = match place {
            Place::Stem => ("Conv1/kernel".to_owned(), "bn_Conv1".to_owned()),
            Place::Features => ("Conv_1/kernel".to_owned(), "Conv_1_bn".to_owned()),
            Place::Expand(idx) => part(idx, "expand", "kernel"),
            Place::Project(idx) => part(idx, "project", "kernel"),
        };
        let names = Names {
            kernel: &kernel,
            norm: &norm,
        };
        conv(self.0, &names, sizes, activation)
    }

    fn depthwise(
        &self,
        block_idx: usize,
        channels: usize,
        stride: (usize, Padding),
    ) -> Result<Depthwise, WeightsError> {
        let (kernel, norm) = part(block_idx, "depthwise", "depthwise_kernel");
        let names = Names {
            kernel: &kernel,
            norm: &norm,
        };
        folded::depthwise(self.0, &names, channels, stride, Activation::Relu6)
    }
}

/// The names of a block's part and of its norm.
fn part(block_idx: usize, part: &str, kernel: &str) -> (String, String) {
    let block = match block_idx {
        0 => "expanded_conv".to_owned(),
        idx => format!("block_{idx}"),
    };
    (
        format!("{block}_{part}/{kernel}"),
        format!("{block}_{part}_BN"),
    )
}
