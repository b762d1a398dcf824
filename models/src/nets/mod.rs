//! The networks, one a file, built from a model's weights on a burn device.

mod folded;
mod mobilenet_v2;

pub(crate) use mobilenet_v2::MobileNetV2;
