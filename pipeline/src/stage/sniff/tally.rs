//! Holds a header to the limits while it is being read.

use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;

/// Counts frames and their pixels, and refuses at the first that is too much.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    limits: &'a Limits,
    width: u32,
    height: u32,
    frames: u32,
    pixels: u64,
}

impl<'a> Tally<'a> {
    /// Starts with the canvas.
    pub(super) fn new(width: u32, height: u32, limits: &'a Limits) -> Result<Self, Reject> {
        if width == 0 || height == 0 {
            return Err(Reject::Malformed {
                detail: "it has no width or no height",
            });
        }
        let side_max = limits.side_px_max;
        if width > side_max || height > side_max {
            return Err(Reject::SideTooLong {
                width,
                height,
                side_max,
            });
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > limits.pixels_max {
            return Err(Reject::TooManyPixels {
                pixels,
                pixels_max: limits.pixels_max,
            });
        }
        Ok(Self {
            limits,
            width,
            height,
            frames: 0,
            pixels: 0,
        })
    }

    /// Adds a frame of `width` x `height`. It costs at least the canvas, onto
    /// which it is drawn, and more where it reaches beyond.
    pub(super) fn add_frame(&mut self, width: u32, height: u32) -> Result<(), Reject> {
        if width == 0 || height == 0 {
            return Err(Reject::Malformed {
                detail: "a frame has no width or no height",
            });
        }
        self.expect_frames(self.frames + 1)?;
        self.frames += 1;
        let canvas = u64::from(self.width) * u64::from(self.height);
        let frame = u64::from(width) * u64::from(height);
        self.pixels = self.pixels.saturating_add(canvas.max(frame));
        let pixels_max = self.limits.animation_pixels_max;
        if self.frames > 1 && self.pixels > pixels_max {
            return Err(Reject::AnimationTooLarge { pixels_max });
        }
        Ok(())
    }

    /// Refuses a frame count that the header announces.
    pub(super) fn expect_frames(&self, frames: u32) -> Result<(), Reject> {
        let frames_max = self.limits.frames_max;
        if frames > frames_max {
            Err(Reject::TooManyFrames { frames_max })
        } else {
            Ok(())
        }
    }

    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// The header of what was counted; a still has one frame.
    pub(super) fn into_header(self) -> Header {
        Header {
            width: self.width,
            height: self.height,
            frames: self.frames.max(1),
        }
    }
}
