//! What the benches measure with: photos drawn by code in every accepted
//! format, and a classifier that costs nothing.

pub mod instant_classifier;
pub mod photos;
