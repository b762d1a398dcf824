//! Animated WebP, turned without loss: every frame's own picture is decoded, turned
//! where it lies and encoded as VP8L, and meets the others as before.
//!
//! A frame can only lie at even offsets (RFC 9649, 2.7.1.1), and one that lies so
//! may end at an odd distance from the other side. If turning would put a frame
//! there, the animation is written as what it shows: each frame replaces what
//! differs from the one before it.

use std::io::Write;
use std::ops::ControlFlow;

use image_webp::{ColorType, WebPEncoder};

use super::bounded::Bounded;
use super::orientation::Orientation;
use super::place::Place;
use super::{UNTURNABLE, grows_too_large};
use crate::error::Reject;
use crate::item::Header;
use crate::stage::decode::{self, Layout, Picture, Raster};
use crate::stage::scrub::webp::chunk;
use crate::stage::sniff::webp::{AnimationFrame, Chunks};

const FLAG_ICC: u8 = 0x20;
const FLAG_ALPHA: u8 = 0x10;
const FLAG_ANIMATION: u8 = 0x02;

type Rgba = [u8; 4];

/// Decodes, turns and encodes every frame; the colour profile, timing and loops
/// stay. The frames may come to `bytes_max` together.
pub(super) fn turn(
    bytes: &[u8],
    header: Header,
    orientation: Orientation,
    bytes_max: usize,
) -> Result<Vec<u8>, Reject> {
    let canvas = (header.width, header.height);
    let frames = frames_of(bytes)?;
    let places: Option<Vec<Place>> = frames
        .iter()
        .map(|frame| place_of(frame).turned(orientation, canvas))
        .collect();
    let places = places.ok_or(UNTURNABLE)?;
    let size = orientation.turned_size(canvas.0, canvas.1);
    let mut out = Animation::of(bytes, size, bytes_max)?;
    if places.iter().all(|place| is_even(*place)) {
        for (frame, place) in frames.iter().zip(places) {
            let raster = decode::webp_frame(frame)?;
            let (pixels, colour) = turn_raster(&raster, orientation)?;
            drop(raster);
            out.add(frame, place, &pixels, colour)?;
        }
    } else {
        add_what_is_shown(bytes, header, orientation, &frames, &mut out)?;
    }
    out.finish()
}

/// At most as many as the limits let in.
fn frames_of(bytes: &[u8]) -> Result<Vec<AnimationFrame<'_>>, Reject> {
    let mut frames = Vec::new();
    for chunk in Chunks::of_file(bytes)? {
        let (name, data) = chunk?;
        if name == *b"ANMF" {
            frames.push(AnimationFrame::parse(data)?);
        }
    }
    Ok(frames)
}

fn place_of(frame: &AnimationFrame<'_>) -> Place {
    let &AnimationFrame {
        left,
        top,
        width,
        height,
        ..
    } = frame;
    Place {
        left,
        top,
        width,
        height,
    }
}

fn is_even(place: Place) -> bool {
    place.left.is_multiple_of(2) && place.top.is_multiple_of(2)
}

fn turn_raster(raster: &Raster, orientation: Orientation) -> Result<(Vec<u8>, ColorType), Reject> {
    let &Raster {
        width,
        height,
        layout,
        ref samples,
    } = raster;
    match layout {
        Layout::Rgb => Ok((
            orientation.turn::<3>(samples, width, height),
            ColorType::Rgb8,
        )),
        Layout::Rgba => Ok((
            orientation.turn::<4>(samples, width, height),
            ColorType::Rgba8,
        )),
        Layout::Grey | Layout::GreyAlpha => Err(UNTURNABLE),
    }
}

/// Adds every frame as a part of the composed and turned canvas that replaces
/// what is there and stays.
fn add_what_is_shown(
    bytes: &[u8],
    header: Header,
    orientation: Orientation,
    frames: &[AnimationFrame<'_>],
    out: &mut Animation,
) -> Result<(), Reject> {
    let (width, _) = orientation.turned_size(header.width, header.height);
    let row_px = usize::try_from(width).map_err(|_| UNTURNABLE)?;
    // The canvas is transparent before the first frame.
    let mut before: Vec<u8> = Vec::new();
    let mut frames = frames.iter();
    let mut result = Ok(());
    decode::play_webp(bytes, header, &mut |picture| {
        let (Picture::Composed(canvas), Some(frame)) = (picture, frames.next()) else {
            result = Err(UNTURNABLE);
            return ControlFlow::Break(());
        };
        let shown = canvas.shown().as_flattened();
        let now = orientation.turn::<4>(shown, header.width, header.height);
        before.resize(now.len(), 0);
        let place = differing(rgba(&before), rgba(&now), row_px);
        before = now;
        let part = cut(rgba(&before), row_px, place);
        let frame = AnimationFrame {
            blends: false,
            disposes: false,
            ..frame.clone()
        };
        result = out.add(&frame, place, &part, ColorType::Rgba8);
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    result
}

fn rgba(samples: &[u8]) -> &[Rgba] {
    samples.as_chunks::<4>().0
}

/// The smallest rectangle at even offsets around the pixels that differ; one pixel
/// of it where none do.
fn differing(before: &[Rgba], now: &[Rgba], row_px: usize) -> Place {
    let (mut left, mut right, mut top, mut bottom) = (row_px, 0, None, 0);
    let rows = before.chunks_exact(row_px).zip(now.chunks_exact(row_px));
    for (row, (before, now)) in rows.enumerate() {
        let differ = |(before, now): (&Rgba, &Rgba)| before != now;
        let mut pairs = before.iter().zip(now);
        let Some(first) = pairs.clone().position(differ) else {
            continue;
        };
        let last = pairs.rposition(differ).unwrap_or(first);
        (left, right) = (left.min(first), right.max(last + 1));
        (top, bottom) = (top.or(Some(row)), row + 1);
    }
    let Some(top) = top else {
        (left, right, bottom) = (0, 1, 1);
        return place(left, right, 0, bottom);
    };
    place(left / 2 * 2, right, top / 2 * 2, bottom)
}

fn place(left: usize, right: usize, top: usize, bottom: usize) -> Place {
    let px = |length: usize| u32::try_from(length).expect("the canvas has u32 sides");
    Place {
        left: px(left),
        top: px(top),
        width: px(right - left),
        height: px(bottom - top),
    }
}

fn cut(pixels: &[Rgba], row_px: usize, place: Place) -> Vec<u8> {
    let px = |length: u32| usize::try_from(length).expect("the place lies on the canvas");
    let columns = px(place.left)..px(place.left + place.width);
    pixels
        .chunks_exact(row_px)
        .skip(px(place.top))
        .take(px(place.height))
        .flat_map(|row| row[columns.clone()].as_flattened().iter().copied())
        .collect()
}

/// An animated WebP that is being written.
struct Animation {
    /// Flags, and the sides less one.
    canvas: [u8; 10],
    /// Profile and loops, as chunks.
    head: Vec<u8>,
    frames: Bounded,
}

impl Animation {
    /// Without frames, of `size`, with what `source` says of all of them.
    fn of(source: &[u8], (width, height): (u32, u32), bytes_max: usize) -> Result<Self, Reject> {
        let (mut flags, mut profile, mut loops) = (None, None, None);
        for chunk in Chunks::of_file(source)? {
            let (name, data) = chunk?;
            match &name {
                b"VP8X" => flags = flags.or(data.first()),
                b"ICCP" => profile = profile.or(Some(data)),
                b"ANIM" => loops = loops.or(Some(data)),
                _ => {}
            }
        }
        let mut head = Vec::new();
        if let Some(profile) = profile {
            chunk::write(*b"ICCP", profile, &mut head)?;
        }
        chunk::write(*b"ANIM", loops.ok_or(UNTURNABLE)?, &mut head)?;
        let has_profile = if profile.is_some() { FLAG_ICC } else { 0 };
        let flags = flags.ok_or(UNTURNABLE)? & FLAG_ALPHA | FLAG_ANIMATION | has_profile;
        let ([w0, w1, w2], [h0, h1, h2]) = (u24(width - 1), u24(height - 1));
        Ok(Self {
            canvas: [flags, 0, 0, 0, w0, w1, w2, h0, h1, h2],
            head,
            frames: Bounded::new(bytes_max),
        })
    }

    /// Adds the pixels of a frame that is shown as `frame` is, at `place`.
    fn add(
        &mut self,
        frame: &AnimationFrame<'_>,
        place: Place,
        pixels: &[u8],
        colour: ColorType,
    ) -> Result<(), Reject> {
        if colour == ColorType::Rgba8 {
            self.canvas[0] |= FLAG_ALPHA;
        }
        let flags = u8::from(!frame.blends) << 1 | u8::from(frame.disposes);
        let mut still = Vec::new();
        WebPEncoder::new(&mut still)
            .encode(pixels, place.width, place.height, colour)
            .map_err(|_| UNTURNABLE)?;
        // What follows `RIFF`, size and `WEBP` is the picture's own chunk.
        let picture = still.get(12..).ok_or(UNTURNABLE)?;
        let numbers = [
            place.left / 2,
            place.top / 2,
            place.width - 1,
            place.height - 1,
            frame.duration_ms,
        ];
        let too_large = grows_too_large(self.frames.bytes_max());
        let length = u32::try_from(16 + picture.len()).map_err(|_| too_large.clone())?;
        let head = [
            b"ANMF",
            &length.to_le_bytes()[..],
            numbers.map(u24).as_flattened(),
        ]
        .concat();
        self.frames
            .write_all(&head)
            .and_then(|()| self.frames.write_all(&[flags]))
            .and_then(|()| self.frames.write_all(picture))
            .map_err(|_| too_large)
    }

    fn finish(self) -> Result<Vec<u8>, Reject> {
        let mut body = b"WEBP".to_vec();
        chunk::write(*b"VP8X", &self.canvas, &mut body)?;
        body.extend_from_slice(&self.head);
        body.append(&mut self.frames.into_bytes());
        let mut file = Vec::with_capacity(body.len() + 8);
        chunk::write(*b"RIFF", &body, &mut file)?;
        Ok(file)
    }
}

fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_begins_at_even_offsets() {
        let plain = [[0; 4]; 7 * 5];
        assert_eq!(differing(&plain, &plain, 7), place(0, 1, 0, 1));
        for (at, found) in [
            (0, place(0, 1, 0, 1)),
            (6, place(6, 7, 0, 1)),
            (5, place(4, 6, 0, 1)),
            (7 + 1, place(0, 2, 0, 2)),
            (4 * 7 + 6, place(6, 7, 4, 5)),
        ] {
            let mut other = plain;
            other[at][3] = 1;
            assert_eq!(differing(&plain, &other, 7), found, "{at}");
        }
        let mut other = plain;
        (other[7 + 5], other[3 * 7 + 2]) = ([1; 4], [1; 4]);
        let found = differing(&plain, &other, 7);
        assert_eq!(found, place(2, 6, 0, 4));
        let part = cut(&other, 7, found);
        assert_eq!(part.len(), 4 * 4 * 4);
        assert_eq!(rgba(&part)[4 + 3], [1; 4]);
        assert_eq!(rgba(&part)[3 * 4], [1; 4]);
    }
}
