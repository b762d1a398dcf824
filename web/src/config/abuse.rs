//! Settings about those who take more than their share.

use serde::{Deserialize, Serialize};

use super::Networks;

/// Limits for each address and each network, and what looks like abuse. 0 turns
/// a limit off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Abuse {
    /// Requests a minute of one address; assets and probes are not counted.
    pub requests_per_minute: u32,
    /// Requests that an address at rest may send at once.
    pub requests_burst: u32,
    /// Uploads a minute of one address.
    pub uploads_per_minute: u32,
    /// Uploads that an address at rest may send at once.
    pub uploads_burst: u32,
    /// How much more than one address its network may take (the first 24 bits
    /// of IPv4, 48 of IPv6).
    pub network_factor: u32,
    /// Addresses that are not limited. This machine is one of them, so that an
    /// operator's own tools are not, and a proxy that nobody configured does
    /// not make all visitors share one limit.
    pub exempt: Networks,
    /// Copies of one image within an hour that count as spam.
    pub same_image_max: u32,
    /// Images that do not exist, asked for by one address within ten minutes,
    /// that count as guessing ids.
    pub missing_images_max: u32,
    /// Different images looked at by one address within an hour that count as
    /// walking through them all.
    pub different_images_max: u32,
    /// For how long whoever was noticed is held to a quarter of the limits.
    pub slow_minutes: u64,
}

impl Default for Abuse {
    fn default() -> Self {
        Self {
            // A forum page shows a hundred images at once.
            requests_per_minute: 1_200,
            requests_burst: 1_200,
            // The upload page sends fifty in one go.
            uploads_per_minute: 60,
            uploads_burst: 120,
            network_factor: 4,
            exempt: Networks::this_machine(),
            same_image_max: 20,
            missing_images_max: 60,
            different_images_max: 1_000,
            slow_minutes: 10,
        }
    }
}
