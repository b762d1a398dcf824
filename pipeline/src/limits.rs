//! The bounds every image is held to, checked from the header before a pixel is decoded.

use std::time::Duration;

use crate::stage;

/// Limits on one image. Each is a setting; the defaults are the service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest side, in pixels. 12,000 admits every phone's panorama.
    pub side_px_max: u32,
    /// Area of a still, or of one frame, in pixels. 50 MP is 150 MB of RGB.
    pub pixels_max: u64,
    /// Frames of an animation.
    pub frames_max: u32,
    /// Area of an animation's canvas times its frames, in pixels.
    pub animation_pixels_max: u64,
    /// Wall-clock time one image may wait for its first stage, and may then take
    /// for all of them. The verdict has a limit of its own.
    pub image_time_max: Duration,
}

impl Limits {
    /// Memory that an ordinary photo takes while it is decoded, in bytes: the
    /// largest that these limits let in, in a file of `file_bytes`. With less
    /// than that, the limits would promise what cannot be kept. Rarer files of
    /// the same size take more (progressive, sideways, transparent, animated)
    /// and are refused by their own need.
    #[must_use]
    pub fn photo_memory_bytes(&self, file_bytes: u64) -> u64 {
        stage::need::photo_bytes(self.side_px_max, self.pixels_max, file_bytes)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            side_px_max: 12_000,
            pixels_max: 50_000_000,
            frames_max: 900,
            animation_pixels_max: 100_000_000,
            image_time_max: Duration::from_secs(30),
        }
    }
}
