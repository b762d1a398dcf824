//! APNG: frame controls as fields, frames with their compressed data (PNG 3rd
//! edition, section 11.3.4).

use super::pixels::{ImageHeader, exact_stream};
use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

/// How many frames there are and how often they play.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnimationControl {
    pub(super) frames: u32,
    plays: u32,
}

/// PNG, 7.1: four-byte integers have 31 bits.
const PNG_INTEGER_MAX: u32 = 0x7FFF_FFFF;

impl AnimationControl {
    /// `None` for a damaged chunk or one with numbers beyond 31 bits: decoders
    /// then show the still image.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        let control = Self {
            frames: cursor.u32_be().ok()?,
            plays: cursor.u32_be().ok()?,
        };
        let is_valid = cursor.is_empty()
            && (1..=PNG_INTEGER_MAX).contains(&control.frames)
            && control.plays <= PNG_INTEGER_MAX;
        is_valid.then_some(control)
    }

    pub(super) fn data(&self) -> [u8; 8] {
        let [a, b, c, d] = self.frames.to_be_bytes();
        let [e, f, g, h] = self.plays.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// Where a frame lies and how it is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameControl {
    width: u32,
    height: u32,
    left: u32,
    top: u32,
    /// Delay as numerator and denominator, disposal, blending.
    timing: [u8; 6],
}

impl FrameControl {
    /// Reads a frame control with the sequence number before it.
    pub(super) fn parse(data: &[u8], image: &ImageHeader) -> Result<(u32, Self), Reject> {
        const BROKEN: Reject = malformed("an animation frame does not fit its image");
        let mut cursor = Cursor::new(data);
        let sequence = cursor.u32_be()?;
        let control = Self {
            width: cursor.u32_be()?,
            height: cursor.u32_be()?,
            left: cursor.u32_be()?,
            top: cursor.u32_be()?,
            timing: cursor.array()?,
        };
        let right = control.left.checked_add(control.width).ok_or(BROKEN)?;
        let bottom = control.top.checked_add(control.height).ok_or(BROKEN)?;
        let [.., disposal, blending] = control.timing;
        let legal = control.width > 0 && control.height > 0 && disposal <= 2 && blending <= 1;
        if !legal || right > image.width || bottom > image.height || !cursor.is_empty() {
            return Err(BROKEN);
        }
        Ok((sequence, control))
    }

    pub(super) fn data(&self, sequence: u32) -> Vec<u8> {
        let fields = [sequence, self.width, self.height, self.left, self.top];
        let mut data: Vec<u8> = fields
            .iter()
            .flat_map(|field| field.to_be_bytes())
            .collect();
        data.extend_from_slice(&self.timing);
        data
    }

    fn covers(&self, image: &ImageHeader) -> bool {
        (self.width, self.height) == (image.width, image.height)
    }
}

/// One frame's control, if it is part of an animation, and compressed picture.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) control: Option<FrameControl>,
    pub(super) stream: Vec<u8>,
}

impl Frame {
    /// The frame with a stream that holds exactly its picture.
    pub(super) fn exact(self, image: &ImageHeader) -> Result<Self, Reject> {
        let (width, height) = self.size(image);
        let stream = exact_stream(self.stream, image.raw_bytes(width, height)?)?;
        Ok(Self {
            control: self.control,
            stream,
        })
    }

    /// Width and height of its own picture.
    pub(super) fn size(&self, image: &ImageHeader) -> (u32, u32) {
        match self.control {
            Some(control) => (control.width, control.height),
            None => (image.width, image.height),
        }
    }

    /// The default image must fill the canvas even where it is a frame.
    pub(super) fn fills(&self, image: &ImageHeader) -> bool {
        self.control.is_none_or(|control| control.covers(image))
    }
}
