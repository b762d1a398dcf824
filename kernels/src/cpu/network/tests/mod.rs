//! Networks of every form and of odd sizes, on every path this machine has,
//! against what they mean.

use std::num::NonZero;

use proptest::prelude::*;

use super::super::isa::{CpuPath, Precision};
use super::*;

mod bounds;
mod turns;

/// Numbers that look random and are the same every time, in -1.0..1.0.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Weights under which values keep their size.
    fn weights(&mut self, n: usize, inputs: usize) -> Vec<f32> {
        let size = 1.7 / (inputs as f32).sqrt();
        (0..n).map(|_| self.next() * size).collect()
    }

    fn samples(&mut self, n: usize) -> Vec<u16> {
        let sample = |_| {
            self.next();
            u16::try_from(self.0 >> 48).unwrap()
        };
        (0..n).map(sample).collect()
    }

    fn conv(&mut self, [kernel_height, kernel_width]: [usize; 2], from: usize, to: usize) -> Conv {
        let inputs = kernel_height * kernel_width * from;
        Conv {
            kernel_height,
            kernel_width,
            stride: 1,
            padding: Padding::default(),
            weights: self.weights(inputs * to, inputs),
            bias: self.weights(to, 9),
            activation: Activation::None,
        }
    }

    fn dense(&mut self, from: usize, to: usize, activation: Activation) -> Layer {
        Layer::Dense(Dense {
            weights: self.weights(from * to, from),
            bias: self.weights(to, 9),
            activation,
        })
    }

    fn block(&mut self, expand: Conv, to: usize, stride: usize, is_residual: bool) -> Layer {
        let channels = expand.bias.len();
        Layer::Bottleneck(Box::new(Bottleneck {
            expand: Conv {
                activation: Activation::Relu6,
                ..expand
            },
            depthwise: Depthwise {
                stride,
                padding: if stride == 1 { Padding::all(1) } else { AFTER },
                weights: self.weights(9 * channels, 9),
                bias: self.weights(channels, 9),
                activation: Activation::Relu6,
            },
            project: self.conv([1, 1], channels, to),
            is_residual,
        }))
    }
}

const AFTER: Padding = Padding {
    top: 0,
    left: 0,
    bottom: 1,
    right: 1,
};

/// A network as MobileNetV2 is built, small.
fn mobile(height: usize, width: usize, seed: u64) -> Network {
    let numbers = &mut Numbers(seed);
    let stem = Conv {
        stride: 2,
        padding: AFTER,
        ..numbers.conv([3, 3], 3, 24)
    };
    let to_many = numbers.conv([1, 1], 20, 120);
    let again = numbers.conv([1, 1], 40, 50);
    let features = Conv {
        activation: Activation::Relu6,
        ..numbers.conv([1, 1], 40, 130)
    };
    let layers = vec![
        numbers.block(stem, 20, 1, false),
        numbers.block(to_many, 40, 2, false),
        numbers.block(again, 40, 1, true),
        Layer::Conv(features),
        Layer::GlobalAveragePool,
        numbers.dense(130, 30, Activation::Relu),
        numbers.dense(30, 5, Activation::None),
        Layer::Softmax,
    ];
    Network {
        height,
        width,
        // Padding is not what the lowest sample is.
        levels: Levels {
            low: -1.0,
            high: 1.0,
        },
        layers,
    }
}

/// A network as Inception is built, small.
fn inception(height: usize, width: usize, seed: u64) -> Network {
    let numbers = &mut Numbers(seed);
    let conv = |numbers: &mut Numbers, kernel: [usize; 2], from, to, padding| {
        let conv = numbers.conv(kernel, from, to);
        Layer::Conv(Conv {
            padding,
            activation: Activation::Relu,
            ..conv
        })
    };
    let sides = |rows, columns| Padding {
        top: rows,
        left: columns,
        bottom: rows,
        right: columns,
    };
    let window = |stride, padding| Window {
        side: 3,
        stride,
        padding,
    };
    let none = Padding::default();
    let mut strided = numbers.conv([3, 3], 3, 20);
    strided.stride = 2;
    let layers = vec![
        Layer::Conv(strided),
        conv(numbers, [3, 3], 20, 18, Padding::all(1)),
        Layer::MaxPool(window(2, none)),
        Layer::Branches(vec![
            vec![conv(numbers, [1, 1], 18, 16, none)],
            vec![
                conv(numbers, [1, 1], 18, 24, none),
                conv(numbers, [5, 5], 24, 32, Padding::all(2)),
            ],
            vec![
                conv(numbers, [1, 7], 18, 17, sides(0, 3)),
                conv(numbers, [7, 1], 17, 16, sides(3, 0)),
            ],
            vec![
                conv(numbers, [1, 1], 18, 40, none),
                Layer::Branches(vec![
                    vec![conv(numbers, [1, 3], 40, 16, sides(0, 1))],
                    vec![conv(numbers, [3, 1], 40, 16, sides(1, 0))],
                ]),
            ],
            vec![
                Layer::AveragePool(window(1, Padding::all(1))),
                conv(numbers, [1, 1], 18, 10, none),
            ],
        ]),
        conv(numbers, [1, 1], 106, 33, none),
        Layer::GlobalAveragePool,
        numbers.dense(33, 5, Activation::None),
        Layer::Softmax,
    ];
    Network {
        height,
        width,
        levels: Levels::UNIT,
        layers,
    }
}

/// Convolutions of 3x3 over more channels and squares than the others have.
fn squares(height: usize, width: usize, seed: u64) -> Network {
    let numbers = &mut Numbers(seed);
    let first = numbers.conv([3, 3], 3, 66);
    let around = Conv {
        padding: Padding::all(1),
        activation: Activation::Relu,
        ..numbers.conv([3, 3], 66, 67)
    };
    let uneven = Conv {
        padding: AFTER,
        ..numbers.conv([3, 3], 67, 114)
    };
    let inside = numbers.conv([3, 3], 114, 50);
    let mut layers: Vec<Layer> = [first, around, uneven, inside].map(Layer::Conv).into();
    layers.extend([
        Layer::GlobalAveragePool,
        numbers.dense(50, 5, Activation::None),
        Layer::Softmax,
    ]);
    Network {
        height,
        width,
        levels: Levels::UNIT,
        layers,
    }
}

fn assert_means(network: &Network, seed: u64) {
    let samples = Numbers(seed ^ 0x5eed).samples(network.height * network.width * 3);
    let expected = reference::run(network, &samples);
    for path in CpuPath::ALL {
        let plan = match Plan::new(network, path) {
            Err(PlanError::NoPath(path)) => {
                eprintln!("skipped: this CPU does not have {path}");
                continue;
            }
            plan => plan.unwrap(),
        };
        let tolerance = if path.is_reduced() { 2e-3 } else { 1e-5 };
        assert_answers(&plan, &samples, &expected, tolerance);
    }
    // In integers as AMX has them, which few CPUs have: in plain Rust on any.
    for path in [CpuPath::best(), CpuPath::Scalar] {
        for precision in [Precision::Pairs, Precision::Digits] {
            let plan = Plan::packed(network, path, precision).unwrap();
            assert_answers(&plan, &samples, &expected, 2e-3);
        }
    }
}

/// `network` on every path that this CPU has, in every precision.
fn every_plan(network: &Network) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    for path in CpuPath::ALL {
        if !path.is_available() {
            eprintln!("skipped: this CPU does not have {path}");
            continue;
        }
        for precision in [Precision::Floats, Precision::Pairs, Precision::Digits] {
            let plan = Plan::packed(network, path, precision).unwrap();
            plans.push((format!("{path}, {precision:?}"), plan));
        }
    }
    plans
}

fn assert_answers(plan: &Plan, samples: &[u16], expected: &[f64], tolerance: f64) {
    let mut scratch = plan.scratch();
    // Twice, because memory is used again.
    for _ in 0..2 {
        let mut answer = vec![0.0; plan.n_outputs()];
        plan.run(samples, &mut scratch, &mut answer);
        for (actual, expected) in answer.iter().zip(expected) {
            let error = (f64::from(*actual) - expected).abs();
            assert!(
                error < tolerance,
                "{}: {answer:?}, expected {expected:?}",
                plan.path()
            );
        }
    }
}

#[test]
fn the_usual_sizes_come_out_right() {
    // A row of 37 positions leaves one sample free in its last vector.
    for side in [32, 28, 14, 37] {
        assert_means(&mobile(side, side, 1), 1);
    }
    assert_means(&inception(31, 31, 2), 2);
    // Squares that end with the picture, and one or three columns beyond it.
    for side in [27, 28, 30] {
        assert_means(&squares(side, side - 1, 3), 3);
    }
}

#[test]
fn threads_answer_each_image_in_its_place() {
    let network = mobile(20, 23, 7);
    let plan = || Plan::new(&network, CpuPath::best()).unwrap();
    let samples = Numbers(3).samples(plan().n_samples() * 9);
    let mut alone = Workers::new(plan(), NonZero::<usize>::MIN);
    let expected = alone.run(&samples);
    assert_eq!(expected.len(), 9 * 5);
    for n_threads in [2, 3, 16] {
        let mut workers = Workers::new(plan(), NonZero::new(n_threads).unwrap());
        assert_eq!(workers.n_threads(), n_threads);
        assert!(!workers.are_pinned());
        assert_eq!(workers.run(&samples), expected, "{n_threads} threads");
        assert_eq!(workers.run(&[]), []);
        let mut workers = workers.pinned();
        assert_eq!(
            workers.run(&samples),
            expected,
            "{n_threads} threads, pinned"
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |layers: Vec<Layer>| {
        let network = Network {
            height: 8,
            width: 8,
            levels: Levels::UNIT,
            layers,
        };
        Plan::new(&network, CpuPath::Scalar).err().unwrap()
    };
    let numbers = &mut Numbers(1);
    let mut short = numbers.conv([3, 3], 3, 8);
    short.weights.pop();
    let (actual, expected) = (215, 216);
    assert_eq!(
        refused(vec![Layer::Conv(short)]),
        PlanError::Weights { actual, expected }
    );
    let large = Layer::Conv(numbers.conv([9, 9], 3, 8));
    assert!(matches!(refused(vec![large]), PlanError::Unsupported(_)));
    assert!(matches!(refused(vec![]), PlanError::Unsupported(_)));
    assert!(matches!(
        refused(vec![Layer::Softmax]),
        PlanError::Unsupported(_)
    ));
    let dense = numbers.dense(192, 5, Activation::None);
    assert!(matches!(refused(vec![dense]), PlanError::Unsupported(_)));
}

#[test]
#[should_panic(expected = "samples of one image")]
fn samples_of_another_length_are_a_callers_bug() {
    let plan = Plan::new(&mobile(16, 16, 1), CpuPath::Scalar).unwrap();
    plan.run(&[0; 7], &mut plan.scratch(), &mut [0.0; 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn odd_sizes_come_out_right(height in 15_usize..50, width in 15_usize..50, seed in any::<u64>()) {
        assert_means(&mobile(height, width, seed), seed);
        assert_means(&inception(height, width, seed), seed);
    }
}
