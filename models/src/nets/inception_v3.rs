//! Inception v3 with nsfwjs's head: Szegedy et al., "Rethinking the Inception
//! Architecture for Computer Vision", 2015, in the form that Keras gives it.
//!
//! Weights are numbered in the order in which Keras makes its convolutions, so
//! the order of the calls below is the order of the names.

use imgshare_kernels::network::{Activation, Layer, Levels, Network, Padding, Window};

use super::folded::{Names, Sizes, conv, dense};
use crate::weights::{Weights, WeightsError};

const FEATURES: usize = 2048;
/// nsfwjs's head: two hidden layers, then the classes.
const DENSE: [(&str, usize, usize, Activation); 3] = [
    ("dense_1", FEATURES, 256, Activation::Relu),
    ("dense_2", 256, 128, Activation::Relu),
    ("dense_3", 128, 5, Activation::None),
];

type Layers = Result<Vec<Layer>, WeightsError>;

/// The network with `weights` in it.
pub(super) fn describe(weights: &Weights) -> Result<Network, WeightsError> {
    let mut make = Make {
        weights,
        n_convs: 0,
    };
    let mut layers = make.stem()?;
    for (channels_in, pooled) in [(192, 32), (256, 64), (288, 64)] {
        layers.push(make.mixed_35(channels_in, pooled)?);
    }
    layers.push(make.reduce_to_17()?);
    for narrow in [128, 160, 160, 192] {
        layers.push(make.mixed_17(narrow)?);
    }
    layers.push(make.reduce_to_8()?);
    for channels_in in [1280, 2048] {
        layers.push(make.mixed_8(channels_in)?);
    }
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
        levels: Levels::UNIT,
        layers,
    })
}

/// Makes convolutions, each with the next number.
struct Make<'a> {
    weights: &'a Weights,
    n_convs: usize,
}

impl Make<'_> {
    fn conv(
        &mut self,
        kernel: [usize; 2],
        channels: [usize; 2],
        steps: Steps,
    ) -> Result<Layer, WeightsError> {
        self.n_convs += 1;
        let number = self.n_convs;
        let names = Names {
            kernel: &format!("conv2d_{number}/kernel"),
            norm: &format!("batch_normalization_{number}"),
        };
        let [rows, columns] = kernel.map(|side| side / 2);
        let (stride, padding) = match steps {
            Steps::Same => {
                let padding = Padding {
                    top: rows,
                    left: columns,
                    bottom: rows,
                    right: columns,
                };
                (1, padding)
            }
            Steps::Valid => (1, Padding::default()),
            Steps::Half => (2, Padding::default()),
        };
        let sizes = Sizes {
            channels_in: channels[0],
            channels_out: channels[1],
            kernel,
            stride,
            padding,
        };
        let conv = conv(self.weights, &names, sizes, Activation::Relu)?;
        Ok(Layer::Conv(conv))
    }

    /// Convolutions of one size one after the other.
    fn chain(&mut self, parts: &[([usize; 2], usize)], channels_in: usize) -> Layers {
        let mut channels = channels_in;
        let mut layers = Vec::new();
        for &(kernel, channels_out) in parts {
            layers.push(self.conv(kernel, [channels, channels_out], Steps::Same)?);
            channels = channels_out;
        }
        Ok(layers)
    }

    fn stem(&mut self) -> Layers {
        Ok(vec![
            self.conv([3, 3], [3, 32], Steps::Half)?,
            self.conv([3, 3], [32, 32], Steps::Valid)?,
            self.conv([3, 3], [32, 64], Steps::Same)?,
            Layer::MaxPool(HALF),
            self.conv([1, 1], [64, 80], Steps::Valid)?,
            self.conv([3, 3], [80, 192], Steps::Valid)?,
            Layer::MaxPool(HALF),
        ])
    }

    fn mixed_35(&mut self, channels_in: usize, pooled: usize) -> Result<Layer, WeightsError> {
        let one = self.chain(&[([1, 1], 64)], channels_in)?;
        let five = self.chain(&[([1, 1], 48), ([5, 5], 64)], channels_in)?;
        let threes = [([1, 1], 64), ([3, 3], 96), ([3, 3], 96)];
        let double = self.chain(&threes, channels_in)?;
        let pool = self.pooled(channels_in, pooled)?;
        Ok(Layer::Branches(vec![one, five, double, pool]))
    }

    fn reduce_to_17(&mut self) -> Result<Layer, WeightsError> {
        let three = vec![self.conv([3, 3], [288, 384], Steps::Half)?];
        let mut double = self.chain(&[([1, 1], 64), ([3, 3], 96)], 288)?;
        double.push(self.conv([3, 3], [96, 96], Steps::Half)?);
        let pool = vec![Layer::MaxPool(HALF)];
        Ok(Layer::Branches(vec![three, double, pool]))
    }

    fn mixed_17(&mut self, narrow: usize) -> Result<Layer, WeightsError> {
        let (row, column) = ([1, 7], [7, 1]);
        let one = self.chain(&[([1, 1], 192)], 768)?;
        let seven = self.chain(&[([1, 1], narrow), (row, narrow), (column, 192)], 768)?;
        let parts = [
            ([1, 1], narrow),
            (column, narrow),
            (row, narrow),
            (column, narrow),
            (row, 192),
        ];
        let double = self.chain(&parts, 768)?;
        let pool = self.pooled(768, 192)?;
        Ok(Layer::Branches(vec![one, seven, double, pool]))
    }

    fn reduce_to_8(&mut self) -> Result<Layer, WeightsError> {
        let mut three = self.chain(&[([1, 1], 192)], 768)?;
        three.push(self.conv([3, 3], [192, 320], Steps::Half)?);
        let mut seven = self.chain(&[([1, 1], 192), ([1, 7], 192), ([7, 1], 192)], 768)?;
        seven.push(self.conv([3, 3], [192, 192], Steps::Half)?);
        let pool = vec![Layer::MaxPool(HALF)];
        Ok(Layer::Branches(vec![three, seven, pool]))
    }

    fn mixed_8(&mut self, channels_in: usize) -> Result<Layer, WeightsError> {
        let one = self.chain(&[([1, 1], 320)], channels_in)?;
        let mut three = self.chain(&[([1, 1], 384)], channels_in)?;
        three.push(self.fork()?);
        let mut double = self.chain(&[([1, 1], 448), ([3, 3], 384)], channels_in)?;
        double.push(self.fork()?);
        let pool = self.pooled(channels_in, 192)?;
        Ok(Layer::Branches(vec![one, three, double, pool]))
    }

    /// A row and a column beside each other.
    fn fork(&mut self) -> Result<Layer, WeightsError> {
        let row = self.chain(&[([1, 3], 384)], 384)?;
        let column = self.chain(&[([3, 1], 384)], 384)?;
        Ok(Layer::Branches(vec![row, column]))
    }

    fn pooled(&mut self, channels_in: usize, channels_out: usize) -> Layers {
        let window = Window {
            side: 3,
            stride: 1,
            padding: Padding::all(1),
        };
        let conv = self.conv([1, 1], [channels_in, channels_out], Steps::Same)?;
        Ok(vec![Layer::AveragePool(window), conv])
    }
}

/// How a kernel moves.
#[derive(Clone, Copy)]
enum Steps {
    /// Over every position; the result is as large as the input.
    Same,
    /// Over positions where it lies inside.
    Valid,
    /// Over every second of them.
    Half,
}

/// Halves a picture.
const HALF: Window = Window {
    side: 3,
    stride: 2,
    padding: Padding::all(0),
};
