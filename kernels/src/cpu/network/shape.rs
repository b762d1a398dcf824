//! Sizes of pictures between layers.

use super::super::isa::LANES;
use super::error::PlanError;
use super::layer::{Conv, Layer, Padding, Window};

/// A picture's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

/// Longest side, most channels: far beyond any network, and small enough that
/// no product of sizes overflows.
const SIDE_MAX: usize = 4096;
const CHANNELS_MAX: usize = 1 << 16;

impl Shape {
    pub(super) fn new(height: usize, width: usize, channels: usize) -> Result<Self, PlanError> {
        let is_bounded = (1..=SIDE_MAX).contains(&height)
            && (1..=SIDE_MAX).contains(&width)
            && (1..=CHANNELS_MAX).contains(&channels);
        let shape = Self {
            height,
            width,
            channels,
        };
        is_bounded.then_some(shape).ok_or(PlanError::Size {
            height,
            width,
            channels,
        })
    }

    pub(super) fn positions(self) -> usize {
        self.height * self.width
    }

    /// Vectors that hold the channels of one position.
    pub(super) fn blocks(self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// The shape behind a moving window of `kernel` rows and columns.
    pub(super) fn under(
        self,
        kernel: [usize; 2],
        stride: usize,
        padding: Padding,
        channels: usize,
    ) -> Result<Self, PlanError> {
        if !matches!(stride, 1 | 2) {
            return Err(PlanError::Unsupported("a stride other than 1 or 2"));
        }
        let steps = |side: usize, before: usize, after: usize, kernel: usize| {
            let room = side.checked_add(before)?.checked_add(after)?;
            (kernel > 0 && before < kernel && after < kernel)
                .then(|| room.checked_sub(kernel))
                .flatten()
                .map(|room| room / stride + 1)
        };
        let height = steps(self.height, padding.top, padding.bottom, kernel[0]);
        let width = steps(self.width, padding.left, padding.right, kernel[1]);
        match (height, width) {
            (Some(height), Some(width)) => Self::new(height, width, channels),
            _ => Err(PlanError::Unsupported(
                "a kernel that does not fit its input",
            )),
        }
    }

    pub(super) fn after_conv(self, conv: &Conv) -> Result<Self, PlanError> {
        let kernel = [conv.kernel_height, conv.kernel_width];
        let channels = conv.bias.len();
        let shape = self.under(kernel, conv.stride, conv.padding, channels)?;
        let expected = kernel[0] * kernel[1] * self.channels * channels;
        check_weights(conv.weights.len(), expected)?;
        Ok(shape)
    }

    pub(super) fn after_window(self, window: Window) -> Result<Self, PlanError> {
        self.under(
            [window.side; 2],
            window.stride,
            window.padding,
            self.channels,
        )
    }

    /// The shape behind `layers`, if every one of them fits.
    pub(super) fn after_all(self, layers: &[Layer]) -> Result<Self, PlanError> {
        layers.iter().try_fold(self, Self::after)
    }

    fn after(self, layer: &Layer) -> Result<Self, PlanError> {
        match layer {
            Layer::Conv(conv) => self.after_conv(conv),
            Layer::Bottleneck(block) => {
                let expanded = self.after_conv(&block.expand)?;
                let depthwise = &block.depthwise;
                let channels = expanded.channels;
                if depthwise.bias.len() != channels {
                    return Err(PlanError::Weights {
                        actual: depthwise.bias.len(),
                        expected: channels,
                    });
                }
                check_weights(depthwise.weights.len(), 9 * channels)?;
                let (stride, padding) = (depthwise.stride, depthwise.padding);
                let filtered = expanded.under([3, 3], stride, padding, channels)?;
                let out = filtered.after_conv(&block.project)?;
                let is_pointwise = block.project.is_pointwise();
                if !is_pointwise || (block.is_residual && out != self) {
                    return Err(PlanError::Unsupported("a block of another form"));
                }
                Ok(out)
            }
            Layer::MaxPool(window) | Layer::AveragePool(window) => self.after_window(*window),
            Layer::GlobalAveragePool => Self::new(1, 1, self.channels),
            Layer::Branches(branches) => {
                let mut joined: Option<Self> = None;
                for branch in branches {
                    let shape = self.after_all(branch)?;
                    let before = joined.map_or(0, |joined| joined.channels);
                    if joined.is_some_and(|j| (j.height, j.width) != (shape.height, shape.width))
                        || !before.is_multiple_of(LANES)
                    {
                        return Err(PlanError::Unsupported("branches that cannot be joined"));
                    }
                    joined = Some(Self::new(
                        shape.height,
                        shape.width,
                        before + shape.channels,
                    )?);
                }
                joined.ok_or(PlanError::Unsupported("no branches"))
            }
            Layer::Dense(dense) => {
                if self.positions() != 1 {
                    return Err(PlanError::Unsupported("a dense layer on a picture"));
                }
                check_weights(dense.weights.len(), self.channels * dense.bias.len())?;
                Self::new(1, 1, dense.bias.len())
            }
            Layer::Softmax => Ok(self),
        }
    }
}

fn check_weights(actual: usize, expected: usize) -> Result<(), PlanError> {
    (actual == expected)
        .then_some(())
        .ok_or(PlanError::Weights { actual, expected })
}

impl Conv {
    /// Whether each output position reads just the input position of its place.
    pub(super) fn is_pointwise(&self) -> bool {
        let kernel = (self.kernel_height, self.kernel_width);
        kernel == (1, 1) && self.stride == 1 && self.padding == Padding::default()
    }
}
