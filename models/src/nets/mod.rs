//! The networks, one a file, described once with a model's weights in them:
//! the CPU's engine packs the description, burn builds its layers from it.

mod folded;
mod inception_v3;
mod mobilenet_v2;
mod mobilenet_v2_mid;
#[cfg(feature = "burn")]
mod onburn;

use imgshare_kernels::network::Network;

#[cfg(feature = "burn")]
pub(crate) use onburn::OnBurn;

use crate::weights::{Weights, WeightsError};

/// The network that `weights` are of.
///
/// # Errors
/// [`WeightsError::Unfit`] if they lack a part.
pub fn describe(weights: &Weights) -> Result<Network, WeightsError> {
    match weights.spec().id {
        "inception_v3" => inception_v3::describe(weights),
        "mobilenet_v2_mid" => mobilenet_v2_mid::describe(weights),
        _ => mobilenet_v2::describe(weights),
    }
}
