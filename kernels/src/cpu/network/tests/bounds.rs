//! Sums that come as near to overflowing as integers are allowed to: weights in
//! the direction of the very inputs that they meet. A sum that wraps is off by
//! far more than rounding.

use super::super::plan::Work;
use super::*;

/// How far an answer may lie from what it means, relative to the largest of its
/// channel.
const TOLERANCE: f64 = 2e-3;

/// A convolution of a picture of some size, HWC.
struct Case {
    sizes: [usize; 3],
    kernel: [usize; 2],
    stride: usize,
    padding: Padding,
}

impl Case {
    fn new(sizes: [usize; 3], kernel: [usize; 2]) -> Self {
        Self {
            sizes,
            kernel,
            stride: 1,
            padding: Padding::default(),
        }
    }

    /// The place in the middle of what comes out.
    fn middle(&self) -> [usize; 2] {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        let rows = self.sizes[0] + top + bottom - self.kernel[0];
        let columns = self.sizes[1] + left + right - self.kernel[1];
        [rows / self.stride / 2, columns / self.stride / 2]
    }

    /// Where the inputs of an output lie in the picture, tap by tap; `None` in
    /// the padding.
    fn positions(&self, [row, column]: [usize; 2]) -> Vec<Option<usize>> {
        let [height, width, _] = self.sizes;
        let position = |tap: usize| {
            let row = (row * self.stride + tap / self.kernel[1]).wrapping_sub(self.padding.top);
            let column =
                (column * self.stride + tap % self.kernel[1]).wrapping_sub(self.padding.left);
            (row < height && column < width).then_some(row * width + column)
        };
        (0..self.kernel[0] * self.kernel[1]).map(position).collect()
    }

    /// `picture`'s values under the window of one output.
    fn patch(&self, picture: &[f64], place: [usize; 2]) -> Vec<f64> {
        let channels = self.sizes[2];
        let mut patch = Vec::new();
        for position in self.positions(place) {
            match position {
                Some(position) => patch.extend(&picture[position * channels..][..channels]),
                None => patch.resize(patch.len() + channels, 0.0),
            }
        }
        patch
    }

    fn network(&self, layers: Vec<Layer>) -> Network {
        Network {
            height: self.sizes[0],
            width: self.sizes[1],
            levels: Levels::UNIT,
            layers,
        }
    }

    /// The convolution with `weights(output)` for each of `n_outputs`.
    fn conv(&self, n_outputs: usize, weights: impl Fn(usize) -> Vec<f64>) -> Conv {
        let by_output: Vec<_> = (0..n_outputs).map(weights).collect();
        let n_inputs = by_output[0].len();
        let weight = |i: usize| to_f32(by_output[i % n_outputs][i / n_outputs]);
        Conv {
            kernel_height: self.kernel[0],
            kernel_width: self.kernel[1],
            stride: self.stride,
            padding: self.padding,
            weights: (0..n_inputs * n_outputs).map(weight).collect(),
            bias: vec![0.0; n_outputs],
            activation: Activation::None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

/// Checks `network`, which ends in a convolution of `n_outputs`.
fn assert_near(network: &Network, samples: &[u16], n_outputs: usize, name: &str) {
    let expected = reference::run(network, samples);
    for (plan_name, plan) in every_plan(network) {
        let mut answer = vec![0.0; plan.n_outputs()];
        plan.run(samples, &mut plan.scratch(), &mut answer);
        assert_eq!(answer.len(), expected.len());
        for output in 0..n_outputs {
            let of_output = |i: &usize| i % n_outputs == output;
            let places = || (0..answer.len()).filter(of_output);
            let largest = places().fold(0.0_f64, |a, i| a.max(expected[i].abs()));
            let error = |i: usize| (f64::from(answer[i]) - expected[i]).abs();
            // Which is no number where any is none.
            let error = places().map(error).max_by(f64::total_cmp).unwrap() / largest;
            assert!(
                error < TOLERANCE,
                "{name}, {plan_name}: output {output} is off by {error} of the largest"
            );
        }
    }
}

/// What a network starts with; leaves 0 where it is dark.
fn first_without_bias(numbers: &mut Numbers, channels: usize) -> Conv {
    Conv {
        bias: vec![0.0; channels],
        ..numbers.conv([1, 1], 3, channels)
    }
}

/// A picture that is brightest under one place of the window, and weights that
/// equal what lies there.
fn assert_holds_its_own_patch(case: &Case, seed: u64) {
    let numbers = &mut Numbers(seed);
    let [height, width, channels] = case.sizes;
    let bright: Vec<_> = case.positions(case.middle());
    let mut samples = numbers.samples(height * width * 3);
    for (position, samples) in samples.chunks_exact_mut(3).enumerate() {
        if !bright.contains(&Some(position)) {
            samples.iter_mut().for_each(|sample| *sample >>= 3);
        }
    }
    let mut layers = vec![Layer::Conv(first_without_bias(numbers, channels))];
    let picture = reference::run(&case.network(layers.clone()), &samples);
    let n_outputs = 35;
    // A factor changes nothing that is rounded.
    let factor = |output: usize| [1.0, -1.0, 1e-3, -700.0][output % 4];
    let patch = case.patch(&picture, case.middle());
    let tested = case.conv(n_outputs, |output| {
        patch.iter().map(|value| value * factor(output)).collect()
    });
    layers.push(Layer::Conv(tested));
    let name = format!("{:?} over {:?}", case.kernel, case.sizes);
    assert_near(&case.network(layers), &samples, n_outputs, &name);
}

#[test]
fn windows_over_their_own_patch_do_not_overflow() {
    for channels in [16, 67] {
        for kernel in [[3, 3], [1, 7], [7, 1], [5, 5], [1, 3]] {
            let inside = Case::new([9, 10, channels], kernel);
            assert_holds_its_own_patch(&inside, 1);
            let padding = Padding {
                top: kernel[0] / 2,
                left: kernel[1] / 2,
                bottom: kernel[0] / 2,
                right: kernel[1] / 2,
            };
            assert_holds_its_own_patch(&Case { padding, ..inside }, 2);
        }
    }
}

#[test]
fn strided_windows_over_their_own_patch_do_not_overflow() {
    for channels in [16, 67] {
        for kernel in [[1, 1], [3, 3], [5, 5]] {
            for sizes in [[11, 12, channels], [12, 9, channels]] {
                let case = Case {
                    stride: 2,
                    ..Case::new(sizes, kernel)
                };
                assert_holds_its_own_patch(&case, 3);
            }
        }
    }
}

#[test]
fn windows_as_large_as_their_picture_do_not_overflow() {
    for channels in [16, 67] {
        for kernel in [[3, 3], [5, 6], [1, 7], [7, 1]] {
            let sizes = [kernel[0], kernel[1], channels];
            assert_holds_its_own_patch(&Case::new(sizes, kernel), 4);
        }
    }
}

#[test]
fn many_channels_of_one_position_do_not_overflow() {
    for channels in [16, 67, 512, 513, 700] {
        assert_holds_its_own_patch(&Case::new([5, 6, channels], [1, 1]), 5);
    }
}

/// A picture to which a convolution of 3x3 is applied by squares.
fn squared(channels: usize) -> Case {
    Case {
        padding: Padding::all(1),
        ..Case::new([23, 20, channels], [3, 3])
    }
}

fn assert_has_squares(network: &Network) {
    let plan = Plan::packed(network, CpuPath::Scalar, Precision::Pairs).unwrap();
    assert!(matches!(plan.steps()[1].work, Work::Winograd(_)));
}

#[test]
fn squares_over_a_patch_do_not_overflow() {
    for channels in [64, 67] {
        assert_holds_its_own_patch(&squared(channels), 6);
    }
}

/// What two values in the middle of six in a row, the rest of them 0, become at
/// 0, 1, -1, 2, -2 and infinity.
const TAKEN: [[f64; 2]; 6] = [
    [-5.0, 0.0],
    [-4.0, 1.0],
    [-4.0, -1.0],
    [-1.0, 2.0],
    [-1.0, -2.0],
    [0.0, -5.0],
];

/// Three weights in a row that are large there.
const TOWARD: [[f64; 3]; 6] = [
    [1.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0, -1.0, 1.0],
    [1.0, 2.0, 4.0],
    [1.0, -2.0, 4.0],
    [0.0, 0.0, 1.0],
];

#[test]
fn no_product_of_a_square_with_its_own_values_overflows() {
    for channels in [64, 67] {
        let case = squared(channels);
        let [height, width, _] = case.sizes;
        let numbers = &mut Numbers(7);
        // Two by two positions that lie in one square only, the rest dark: then
        // what is known of all squares is exact for that one.
        let position = |i: usize| (9 + i / 2) * width + 5 + i % 2;
        let mut samples = vec![0; height * width * 3];
        for (i, bright) in numbers.samples(12).chunks_exact(3).enumerate() {
            samples[position(i) * 3..][..3].copy_from_slice(bright);
        }
        let mut layers = vec![Layer::Conv(first_without_bias(numbers, channels))];
        let picture = reference::run(&case.network(layers.clone()), &samples);
        // One output for each place of a square.
        let n_outputs = 36;
        let tested = case.conv(n_outputs, |place| {
            let [row, column] = [place / 6, place % 6];
            let weight = |i: usize| {
                let (tap, channel) = (i / channels, i % channels);
                let value = |i: usize| picture[position(i) * channels + channel];
                let taken = |i: usize| TAKEN[row][i / 2] * TAKEN[column][i % 2] * value(i);
                TOWARD[row][tap / 3] * TOWARD[column][tap % 3] * (0..4).map(taken).sum::<f64>()
            };
            (0..9 * channels).map(weight).collect()
        });
        layers.push(Layer::Conv(tested));
        let network = case.network(layers);
        assert_has_squares(&network);
        assert_near(
            &network,
            &samples,
            n_outputs,
            &format!("squares of {channels}"),
        );
    }
}

#[test]
fn the_largest_inputs_with_weights_of_their_signs_do_not_overflow() {
    // Of one position, as a dense layer has, and of some.
    for size in [[1, 1], [5, 7]] {
        for channels in [16, 70, 512] {
            for alternates in [false, true] {
                assert_holds_the_largest([size[0], size[1], channels], alternates);
            }
        }
    }
}

/// Inputs that are all as large as the largest, and weights that have their
/// signs.
fn assert_holds_the_largest(sizes: [usize; 3], alternates: bool) {
    let case = Case::new(sizes, [1, 1]);
    let channels = sizes[2];
    let sign = |channel: usize| {
        if alternates && channel % 3 == 1 {
            -1.0
        } else {
            1.0
        }
    };
    let first = Conv {
        kernel_height: 1,
        kernel_width: 1,
        stride: 1,
        padding: Padding::default(),
        weights: vec![0.0; 3 * channels],
        bias: (0..channels).map(|channel| 0.7 * sign(channel)).collect(),
        activation: Activation::None,
    };
    let magnitudes = Numbers(8).weights(channels, channels);
    let n_outputs = 35;
    let tested = case.conv(n_outputs, |output| {
        let weight = |channel: usize| {
            let magnitude = match output % 4 {
                0 | 1 => 0.01,
                _ => f64::from(magnitudes[channel]).abs(),
            };
            let of_output = if output % 2 == 0 { 1.0 } else { -1.0 };
            of_output * f64::from(sign(channel)) * magnitude
        };
        (0..channels).map(weight).collect()
    });
    let network = case.network(vec![Layer::Conv(first), Layer::Conv(tested)]);
    let samples = Numbers(9).samples(sizes[0] * sizes[1] * 3);
    let name = format!("largest inputs, {sizes:?}, alternating: {alternates}");
    assert_near(&network, &samples, n_outputs, &name);
}

#[test]
fn blocks_of_values_cut_to_the_largest_do_not_overflow() {
    for channels in [16, 70, 256, 512] {
        let numbers = &mut Numbers(10);
        let expand = Conv {
            bias: vec![9.0; channels],
            ..numbers.conv([1, 1], 3, channels)
        };
        let depthwise = Depthwise {
            stride: 1,
            padding: Padding::all(1),
            weights: vec![1.0; 9 * channels],
            bias: vec![6.0; channels],
            activation: Activation::Relu6,
        };
        let n_outputs = 35;
        let case = Case::new([5, 6, channels], [1, 1]);
        let project = case.conv(n_outputs, |output| {
            let of_output = if output % 2 == 0 { 0.01 } else { -3.0 };
            vec![of_output; channels]
        });
        let block = Bottleneck {
            expand: Conv {
                activation: Activation::Relu6,
                ..expand
            },
            depthwise,
            project,
            is_residual: false,
        };
        let network = case.network(vec![Layer::Bottleneck(Box::new(block))]);
        let samples = Numbers(11).samples(5 * 6 * 3);
        assert_near(
            &network,
            &samples,
            n_outputs,
            &format!("a block of {channels}"),
        );
    }
}
