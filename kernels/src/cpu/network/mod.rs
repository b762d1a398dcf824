//! Convolutional networks on the CPU, one image at a time.
//!
//! A [`Network`] says what to compute; a [`Plan`] is that network with its
//! weights packed for one path of this CPU. Pictures between layers are floats
//! in HWC with the channels filled up to sixteen; what a convolution of
//! integers reads is rounded from them, once an image and layer.

mod aligned;
mod bottleneck;
mod builder;
mod conv;
mod cores;
mod cost;
mod depthwise;
mod digit_matrix;
mod error;
mod layer;
mod matrix;
mod plan;
mod pool;
mod prepare;
mod product;
#[cfg(test)]
mod reference;
mod round;
mod shape;
#[cfg(test)]
mod tests;
mod tile_product;
mod weights;
mod winograd;
mod words;
mod workers;

pub use cost::StepCost;
pub use error::PlanError;
pub use layer::{
    Activation, Bottleneck, Conv, Dense, Depthwise, Layer, Levels, Network, Padding, Window,
};
pub use plan::{Plan, Scratch};
pub use workers::Workers;
