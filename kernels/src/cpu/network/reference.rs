//! What a network means: one output at a time, in f64, nothing packed.

use super::layer::{Activation, Conv, Depthwise, Layer, Network, Padding, Window};

/// A picture, HWC.
#[derive(Clone)]
struct Picture {
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<f64>,
}

impl Picture {
    /// A picture of `value(row, column, channel)`.
    fn of(
        [height, width, channels]: [usize; 3],
        value: impl Fn(usize, usize, usize) -> f64,
    ) -> Self {
        let mut values = Vec::new();
        for row in 0..height {
            for column in 0..width {
                values.extend((0..channels).map(|channel| value(row, column, channel)));
            }
        }
        Self {
            height,
            width,
            channels,
            values,
        }
    }

    /// `None` in the padding.
    fn at(&self, row: usize, column: usize, channel: usize) -> Option<f64> {
        (row < self.height && column < self.width)
            .then(|| self.values[(row * self.width + column) * self.channels + channel])
    }

    fn steps(&self, kernel: [usize; 2], stride: usize, padding: Padding) -> [usize; 2] {
        let rows = self.height + padding.top + padding.bottom - kernel[0];
        let columns = self.width + padding.left + padding.right - kernel[1];
        [rows / stride + 1, columns / stride + 1]
    }
}

/// The answer of `network` to `samples`.
pub(super) fn run(network: &Network, samples: &[u16]) -> Vec<f64> {
    let sizes = [network.height, network.width, 3];
    let input = Picture::of(sizes, |row, column, channel| {
        let sample = samples[(row * network.width + column) * 3 + channel];
        let [low, high] = [network.levels.low, network.levels.high].map(f64::from);
        low + f64::from(sample) / 65_535.0 * (high - low)
    });
    all(&network.layers, input).values
}

fn all(layers: &[Layer], input: Picture) -> Picture {
    layers
        .iter()
        .fold(input, |picture, layer| after(layer, picture))
}

fn after(layer: &Layer, input: Picture) -> Picture {
    match layer {
        Layer::Conv(layer) => conv(layer, &input),
        Layer::Bottleneck(block) => {
            let filtered = depthwise(&block.depthwise, &conv(&block.expand, &input));
            let mut out = conv(&block.project, &filtered);
            if block.is_residual {
                for (value, shortcut) in out.values.iter_mut().zip(&input.values) {
                    *value += shortcut;
                }
            }
            out
        }
        Layer::MaxPool(window) => pool(*window, &input, |values| {
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        }),
        Layer::AveragePool(window) => pool(*window, &input, mean),
        Layer::GlobalAveragePool => Picture::of([1, 1, input.channels], |_, _, channel| {
            let channel = input.values.iter().skip(channel).step_by(input.channels);
            mean(&channel.copied().collect::<Vec<_>>())
        }),
        Layer::Branches(branches) => {
            let parts: Vec<_> = branches.iter().map(|b| all(b, input.clone())).collect();
            let channels = parts.iter().map(|part| part.channels).sum();
            let sizes = [parts[0].height, parts[0].width, channels];
            Picture::of(sizes, |row, column, mut channel| {
                for part in &parts {
                    if channel < part.channels {
                        return part.at(row, column, channel).unwrap();
                    }
                    channel -= part.channels;
                }
                unreachable!("channels are counted")
            })
        }
        Layer::Dense(dense) => {
            let outputs = dense.bias.len();
            Picture::of([1, 1, outputs], |_, _, output| {
                let products = input.values.iter().enumerate();
                let sum: f64 = products
                    .map(|(i, v)| v * f64::from(dense.weights[i * outputs + output]))
                    .sum();
                activated(sum + f64::from(dense.bias[output]), dense.activation)
            })
        }
        Layer::Softmax => {
            let sum: f64 = input.values.iter().map(|v| v.exp()).sum();
            let values = input.values.iter().map(|v| v.exp() / sum).collect();
            Picture { values, ..input }
        }
    }
}

fn conv(conv: &Conv, input: &Picture) -> Picture {
    let kernel = [conv.kernel_height, conv.kernel_width];
    let [height, width] = input.steps(kernel, conv.stride, conv.padding);
    let outputs = conv.bias.len();
    Picture::of([height, width, outputs], |row, column, output| {
        let mut sum = f64::from(conv.bias[output]);
        for place in 0..kernel[0] * kernel[1] {
            let row = row * conv.stride + place / kernel[1];
            let column = column * conv.stride + place % kernel[1];
            for channel in 0..input.channels {
                let weight = conv.weights[(place * input.channels + channel) * outputs + output];
                sum += padded(input, [row, column], conv.padding, channel) * f64::from(weight);
            }
        }
        activated(sum, conv.activation)
    })
}

fn depthwise(layer: &Depthwise, input: &Picture) -> Picture {
    let [height, width] = input.steps([3, 3], layer.stride, layer.padding);
    Picture::of([height, width, input.channels], |row, column, channel| {
        let mut sum = f64::from(layer.bias[channel]);
        for place in 0..9 {
            let at = [
                row * layer.stride + place / 3,
                column * layer.stride + place % 3,
            ];
            let weight = layer.weights[place * input.channels + channel];
            sum += padded(input, at, layer.padding, channel) * f64::from(weight);
        }
        activated(sum, layer.activation)
    })
}

fn padded(input: &Picture, [row, column]: [usize; 2], padding: Padding, channel: usize) -> f64 {
    let row = row.wrapping_sub(padding.top);
    let column = column.wrapping_sub(padding.left);
    input.at(row, column, channel).unwrap_or(0.0)
}

fn pool(window: Window, input: &Picture, of: impl Fn(&[f64]) -> f64) -> Picture {
    let Window {
        side,
        stride,
        padding,
    } = window;
    let [height, width] = input.steps([side; 2], stride, padding);
    Picture::of([height, width, input.channels], |row, column, channel| {
        let places = (0..side * side).filter_map(|place| {
            let row = (row * stride + place / side).wrapping_sub(padding.top);
            let column = (column * stride + place % side).wrapping_sub(padding.left);
            input.at(row, column, channel)
        });
        of(&places.collect::<Vec<_>>())
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn activated(value: f64, activation: Activation) -> f64 {
    let (low, high) = activation.bounds();
    value.clamp(f64::from(low), f64::from(high))
}
