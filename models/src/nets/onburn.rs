//! A described network as burn's operations on one device, NCHW.

use burn::tensor::activation::{relu, softmax};
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use imgshare_kernels::network::{
    Activation, Bottleneck, Conv, Dense, Depthwise, Layer, Levels, Network, Padding, Window,
};

/// A network on one device.
pub(crate) struct OnBurn {
    levels: Levels,
    layers: Vec<Built>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a network has a few dozen, and they stay where they are"
)]
enum Built {
    Conv(BuiltConv),
    Bottleneck {
        expand: BuiltConv,
        depthwise: BuiltConv,
        project: BuiltConv,
        is_residual: bool,
    },
    MaxPool(Window),
    AveragePool(Window),
    GlobalAveragePool,
    Branches(Vec<Vec<Built>>),
    Dense {
        kernel: Tensor<2>,
        /// `[1, outputs]`
        bias: Tensor<2>,
        activation: Activation,
    },
    Softmax,
}

struct BuiltConv {
    kernel: Tensor<4>,
    bias: Bias,
    options: ConvOptions<2>,
    activation: Activation,
}

enum Bias {
    /// `[channels]`
    Inside(Tensor<1>),
    /// `[1, channels, 1, 1]`. Added by itself: burn's fast depthwise kernels
    /// refuse a bias, and fusion joins the addition with what follows it.
    Added(Tensor<4>),
}

impl OnBurn {
    /// Puts `network` on `device`.
    pub(crate) fn build(network: &Network, device: &Device) -> Self {
        Self {
            levels: network.levels,
            layers: build_all(&network.layers, 3, device).0,
        }
    }

    /// Class probabilities `[n, classes]` of `input`, `[n, 3, height, width]` in
    /// 0..=1.
    pub(crate) fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        let Levels { low, high } = self.levels;
        let input = if self.levels == Levels::UNIT {
            input
        } else {
            input * (high - low) + low
        };
        forward(&self.layers, input).flatten(1, 3)
    }
}

/// The layers, and the channels behind them.
fn build_all(layers: &[Layer], channels: usize, device: &Device) -> (Vec<Built>, usize) {
    let mut channels = channels;
    let mut built = Vec::new();
    for layer in layers {
        let (layer, channels_out) = build(layer, channels, device);
        built.push(layer);
        channels = channels_out;
    }
    (built, channels)
}

fn build(layer: &Layer, channels: usize, device: &Device) -> (Built, usize) {
    match layer {
        Layer::Conv(conv) => (
            Built::Conv(BuiltConv::full(conv, channels, device)),
            conv.bias.len(),
        ),
        Layer::Bottleneck(block) => {
            let Bottleneck {
                expand,
                depthwise,
                project,
                is_residual,
            } = block.as_ref();
            let expanded = expand.bias.len();
            let block = Built::Bottleneck {
                expand: BuiltConv::full(expand, channels, device),
                depthwise: BuiltConv::depthwise(depthwise, device),
                project: BuiltConv::full(project, expanded, device),
                is_residual: *is_residual,
            };
            (block, project.bias.len())
        }
        Layer::MaxPool(window) => (Built::MaxPool(*window), channels),
        Layer::AveragePool(window) => (Built::AveragePool(*window), channels),
        Layer::GlobalAveragePool => (Built::GlobalAveragePool, channels),
        Layer::Branches(branches) => {
            let branches: Vec<_> = branches
                .iter()
                .map(|branch| build_all(branch, channels, device))
                .collect();
            let channels = branches.iter().map(|(_, channels)| channels).sum();
            let branches = branches.into_iter().map(|(branch, _)| branch).collect();
            (Built::Branches(branches), channels)
        }
        Layer::Dense(Dense {
            weights,
            bias,
            activation,
        }) => {
            let outputs = bias.len();
            let tensor = |values: &Vec<f32>, inputs| {
                Tensor::from_data(TensorData::new(values.clone(), [inputs, outputs]), device)
            };
            let dense = Built::Dense {
                kernel: tensor(weights, channels),
                bias: tensor(bias, 1),
                activation: *activation,
            };
            (dense, outputs)
        }
        Layer::Softmax => (Built::Softmax, channels),
    }
}

fn forward(layers: &[Built], input: Tensor<4>) -> Tensor<4> {
    layers.iter().fold(input, |x, layer| layer.forward(x))
}

impl Built {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward(x),
            Self::Bottleneck {
                expand,
                depthwise,
                project,
                is_residual,
            } => {
                let shortcut = is_residual.then(|| x.clone());
                let x = project.forward(depthwise.forward(expand.forward(x)));
                match shortcut {
                    Some(shortcut) => x + shortcut,
                    None => x,
                }
            }
            Self::MaxPool(window) => max_pool2d(
                x,
                MaxPoolOptions {
                    kernel_size: [window.side; 2],
                    stride: [window.stride; 2],
                    padding: both(window.padding),
                    dilation: [1, 1],
                    ceil_mode: false,
                },
            ),
            Self::AveragePool(window) => avg_pool2d(
                x,
                AvgPoolOptions {
                    kernel_size: [window.side; 2],
                    stride: [window.stride; 2],
                    padding: both(window.padding),
                    count_include_pad: false,
                    ceil_mode: false,
                },
            ),
            Self::GlobalAveragePool => {
                let [n, channels, ..] = x.dims();
                let means: Tensor<3> = x.flatten::<3>(2, 3).mean_dim(2);
                means.reshape([n, channels, 1, 1])
            }
            Self::Branches(branches) => {
                let parts = branches.iter().map(|branch| forward(branch, x.clone()));
                Tensor::cat(parts.collect(), 1)
            }
            Self::Dense {
                kernel,
                bias,
                activation,
            } => {
                let x: Tensor<2> = x.flatten(1, 3);
                let x = x.matmul(kernel.clone()) + bias.clone();
                let [n, outputs] = x.dims();
                activate(x.reshape([n, outputs, 1, 1]), *activation)
            }
            Self::Softmax => softmax(x, 1),
        }
    }
}

impl BuiltConv {
    fn full(conv: &Conv, channels_in: usize, device: &Device) -> Self {
        let channels_out = conv.bias.len();
        let shape = [
            channels_out,
            channels_in,
            conv.kernel_height,
            conv.kernel_width,
        ];
        let places = conv.kernel_height * conv.kernel_width;
        let mut oihw = Vec::with_capacity(conv.weights.len());
        for output in 0..channels_out {
            for input in 0..channels_in {
                let hwio =
                    |place| conv.weights[(place * channels_in + input) * channels_out + output];
                oihw.extend((0..places).map(hwio));
            }
        }
        let bias = TensorData::new(conv.bias.clone(), [channels_out]);
        Self {
            kernel: Tensor::from_data(TensorData::new(oihw, shape), device),
            bias: Bias::Inside(Tensor::from_data(bias, device)),
            options: options(conv.stride, conv.padding, 1),
            activation: conv.activation,
        }
    }

    fn depthwise(conv: &Depthwise, device: &Device) -> Self {
        let channels = conv.bias.len();
        let mut chw = Vec::with_capacity(conv.weights.len());
        for channel in 0..channels {
            chw.extend((0..9).map(|place| conv.weights[place * channels + channel]));
        }
        let bias = TensorData::new(conv.bias.clone(), [1, channels, 1, 1]);
        Self {
            kernel: Tensor::from_data(TensorData::new(chw, [channels, 1, 3, 3]), device),
            bias: Bias::Added(Tensor::from_data(bias, device)),
            options: options(conv.stride, conv.padding, channels),
            activation: conv.activation,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (kernel, options) = (self.kernel.clone(), self.options.clone());
        let x = match &self.bias {
            Bias::Inside(bias) => conv2d(x, kernel, Some(bias.clone()), options),
            Bias::Added(bias) => conv2d(x, kernel, None, options) + bias.clone(),
        };
        activate(x, self.activation)
    }
}

fn options(stride: usize, padding: Padding, groups: usize) -> ConvOptions<2> {
    ConvOptions::new_with_padding([stride; 2], both(padding), [1, 1], groups)
}

/// Before and after the rows, then the columns.
fn both(padding: Padding) -> [(usize, usize); 2] {
    [(padding.top, padding.bottom), (padding.left, padding.right)]
}

/// For ReLU6 two operations, because burn-flex's `clamp` runs one value at a
/// time, which took a fifth of the whole network's time; a GPU fuses either
/// form.
fn activate(x: Tensor<4>, activation: Activation) -> Tensor<4> {
    match activation {
        Activation::None => x,
        Activation::Relu => relu(x),
        Activation::Relu6 => relu(x).clamp_max(6.0),
    }
}
