//! What a network consists of, as its describer sees it: layers with batch
//! norms folded in, weights in the order that Keras stores.

/// A network from 16-bit samples, HWC with three channels, to one vector.
#[derive(Clone, Debug)]
pub struct Network {
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// What samples stand for.
    pub levels: Levels,
    /// In order; each reads what the one before it left.
    pub layers: Vec<Layer>,
}

/// What the ends of a sample's range stand for; what lies between is in
/// proportion. Padding is 0 whatever they are, as everywhere else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// A sample of 0.
    pub low: f32,
    /// A sample of 65535.
    pub high: f32,
}

impl Levels {
    /// From 0 to 1.
    pub const UNIT: Self = Self {
        low: 0.0,
        high: 1.0,
    };
}

/// One layer.
#[derive(Clone, Debug)]
pub enum Layer {
    /// A convolution.
    Conv(Conv),
    /// An inverted residual block, computed as one.
    Bottleneck(Box<Bottleneck>),
    /// The largest value under a window.
    MaxPool(Window),
    /// The mean under a window, of those places that are no padding.
    AveragePool(Window),
    /// The mean of each channel.
    GlobalAveragePool,
    /// Sequences that all read the same input; their results are joined channel
    /// after channel.
    Branches(Vec<Vec<Layer>>),
    /// A fully connected layer on a picture of one position.
    Dense(Dense),
    /// Probabilities of the values.
    Softmax,
}

/// Rows and columns of zeros around a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns at the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns at the right.
    pub right: usize,
}

/// What becomes of a layer's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// Negative values become 0.
    Relu,
    /// Values are cut to 0..=6.
    Relu6,
}

/// A convolution over all channels.
#[derive(Clone, Debug)]
pub struct Conv {
    /// Rows of the kernel.
    pub kernel_height: usize,
    /// Columns of the kernel.
    pub kernel_width: usize,
    /// Of rows and columns, 1 or 2.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
    /// HWIO: kernel row, kernel column, input channel, output channel.
    pub weights: Vec<f32>,
    /// One an output channel.
    pub bias: Vec<f32>,
    /// Applied to each value.
    pub activation: Activation,
}

/// A 3x3 convolution of each channel by itself.
#[derive(Clone, Debug)]
pub struct Depthwise {
    /// Of rows and columns, 1 or 2.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
    /// HWC: kernel row, kernel column, channel.
    pub weights: Vec<f32>,
    /// One a channel.
    pub bias: Vec<f32>,
    /// Applied to each value.
    pub activation: Activation,
}

/// Expand to many channels, filter each by itself, project to few.
///
/// The expansion may be any convolution, so that a network's stem and its first
/// block can be one.
#[derive(Clone, Debug)]
pub struct Bottleneck {
    /// To many channels.
    pub expand: Conv,
    /// Of each of them.
    pub depthwise: Depthwise,
    /// To few channels; 1x1.
    pub project: Conv,
    /// Whether the block's input is added to its output.
    pub is_residual: bool,
}

/// A square window that moves over each channel.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Rows and columns.
    pub side: usize,
    /// Of rows and columns.
    pub stride: usize,
    /// Places around the input that do not count.
    pub padding: Padding,
}

/// A fully connected layer.
#[derive(Clone, Debug)]
pub struct Dense {
    /// Input, then output.
    pub weights: Vec<f32>,
    /// One an output.
    pub bias: Vec<f32>,
    /// Applied to each value.
    pub activation: Activation,
}

impl Padding {
    /// `n` on every side.
    pub const fn all(n: usize) -> Self {
        Self {
            top: n,
            left: n,
            bottom: n,
            right: n,
        }
    }
}

impl Activation {
    /// The smallest and the largest value that it lets through.
    pub(super) const fn bounds(self) -> (f32, f32) {
        match self {
            Self::None => (f32::NEG_INFINITY, f32::INFINITY),
            Self::Relu => (0.0, f32::INFINITY),
            Self::Relu6 => (0.0, 6.0),
        }
    }
}
