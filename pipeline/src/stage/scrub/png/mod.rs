//! PNG and APNG: header, palette, transparency, density, frames and their
//! compressed picture, and the name of the colour space (PNG 3rd edition).
//!
//! Every chunk is written anew with its own CRC. Not copied: text of any kind,
//! eXIf, tIME, private and unknown chunks, profiles and other descriptions of
//! colours, what follows IEND, what follows the picture inside its compressed
//! stream, and the values of colours that no pixel has.

mod animation;
pub(in crate::stage) mod chunk;
pub(in crate::stage) mod colours;
mod pixels;
mod profile;
mod used;
mod verify;

#[cfg(test)]
mod tests;

use self::animation::{AnimationControl, Frame, FrameControl};
use self::chunk::{Chunk, SIGNATURE};
use self::colours::Colours;
use self::pixels::ImageHeader;
use self::used::Used;
pub(super) use self::verify::verify;
use super::malformed;
use crate::error::Reject;
use crate::stage::cursor::Cursor;

/// Compressed data is cut into chunks of this size, so that no decoder's limit
/// on a chunk is met.
const DATA_BYTES: usize = 1 << 20;
/// Dots a metre: 25,000 an inch.
const DENSITY_MAX: u32 = 1_000_000;

/// Writes the PNG again from the parts that are picture.
pub(super) fn rebuild(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array()? != SIGNATURE {
        return Err(malformed("a PNG must begin with its signature"));
    }
    let first = Chunk::read(&mut cursor)?;
    if first.name != *b"IHDR" || !first.is_intact() {
        return Err(malformed("a PNG must begin with its header"));
    }
    let mut picture = Picture::new(ImageHeader::parse(first.data)?);
    loop {
        let chunk = Chunk::read(&mut cursor)?;
        if chunk.name == *b"IEND" {
            break;
        }
        picture.read(&chunk)?;
    }
    picture.write()
}

/// The parts of the file that are picture.
struct Picture<'a> {
    header: ImageHeader,
    colours: Colours<'a>,
    density: Option<&'a [u8]>,
    saw_palette: bool,
    palette: Option<&'a [u8]>,
    transparency: Option<Vec<u8>>,
    animation: Option<AnimationControl>,
    frames: Vec<Frame>,
    pending_control: Option<FrameControl>,
    next_sequence: u32,
    previous: [u8; 4],
}

impl<'a> Picture<'a> {
    fn new(header: ImageHeader) -> Self {
        Self {
            header,
            colours: Colours::default(),
            density: None,
            saw_palette: false,
            palette: None,
            transparency: None,
            animation: None,
            frames: Vec::new(),
            pending_control: None,
            next_sequence: 0,
            previous: *b"IHDR",
        }
    }

    /// Takes a chunk if it is on the allow-list and where it must be. Decoders
    /// ignore an ancillary chunk that is damaged or out of place; so do we.
    fn read(&mut self, chunk: &Chunk<'a>) -> Result<(), Reject> {
        let before_picture = self.frames.is_empty();
        let animated = self.animation.is_some();
        match &chunk.name {
            b"IDAT" => self.read_default_image(chunk)?,
            b"PLTE" => self.read_palette(chunk)?,
            b"tRNS" if before_picture => self.read_transparency(chunk),
            b"acTL" if before_picture && !animated && chunk.is_intact() => {
                self.animation = AnimationControl::parse(chunk.data);
            }
            b"fcTL" if animated => self.read_frame_control(chunk)?,
            b"fdAT" if animated => self.read_frame_data(chunk)?,
            b"pHYs" if before_picture => self.read_density(chunk),
            _ if chunk.is_critical() => {
                return Err(malformed("a chunk that decoders may not skip is unknown"));
            }
            _ if before_picture && !self.saw_palette => self.colours.read(chunk),
            _ => {}
        }
        self.previous = chunk.name;
        Ok(())
    }

    fn read_default_image(&mut self, chunk: &Chunk<'a>) -> Result<(), Reject> {
        intact(chunk)?;
        if self.frames.is_empty() {
            let control = self.pending_control.take();
            self.frames.push(Frame {
                control,
                stream: Vec::new(),
            });
        } else if self.previous != *b"IDAT" {
            return Err(malformed("the picture data is interrupted"));
        }
        if let Some(frame) = self.frames.first_mut() {
            frame.stream.extend_from_slice(chunk.data);
        }
        Ok(())
    }

    /// Only indexed images need a palette; elsewhere it is a suggestion.
    fn read_palette(&mut self, chunk: &Chunk<'a>) -> Result<(), Reject> {
        intact(chunk)?;
        if self.saw_palette || !self.frames.is_empty() {
            return Err(malformed("a palette out of place"));
        }
        self.saw_palette = true;
        if self.header.colour == ImageHeader::INDEXED {
            let colours_max = 1_usize << self.header.depth;
            let palette = &chunk.data[..chunk.data.len().min(3 * colours_max)];
            if palette.is_empty() || !palette.len().is_multiple_of(3) {
                return Err(malformed("a palette of the wrong length"));
            }
            self.palette = Some(palette);
        }
        Ok(())
    }

    /// 11.3.1.1: one alpha a palette entry, or one colour that is transparent.
    fn read_transparency(&mut self, chunk: &Chunk<'a>) {
        let (data, header) = (chunk.data, &self.header);
        let palette_colours = self.palette.map_or(0, |palette| palette.len() / 3);
        let fits = match header.colour {
            ImageHeader::INDEXED => !data.is_empty() && data.len() <= palette_colours,
            0 => data.len() == 2,
            2 => data.len() == 6,
            _ => false,
        };
        if !fits || self.transparency.is_some() || !chunk.is_intact() {
            return;
        }
        let mut data = data.to_vec();
        if header.colour != ImageHeader::INDEXED && header.depth < 16 {
            // Of each 16-bit sample only the low `depth` bits count.
            let mask = u8::MAX >> (8 - header.depth);
            data.chunks_exact_mut(2).for_each(|sample| {
                sample[0] = 0;
                sample[1] &= mask;
            });
        }
        self.transparency = Some(data);
    }

    /// 11.3.4.3: pixels per unit, across and down, and the unit; only such as
    /// occur, for the numbers are long enough to hold something else.
    fn read_density(&mut self, chunk: &Chunk<'a>) {
        let (numbers, _) = chunk.data.as_chunks::<4>();
        let legal = matches!(chunk.data, [_, _, _, _, _, _, _, _, 0 | 1])
            && numbers
                .iter()
                .all(|number| u32::from_be_bytes(*number) <= DENSITY_MAX);
        if self.density.is_none() && legal && chunk.is_intact() {
            self.density = Some(chunk.data);
        }
    }

    fn read_frame_control(&mut self, chunk: &Chunk<'a>) -> Result<(), Reject> {
        intact(chunk)?;
        let (sequence, control) = FrameControl::parse(chunk.data, &self.header)?;
        self.take_sequence(sequence)?;
        if self.pending_control.replace(control).is_some() {
            return Err(malformed("an animation frame without a picture"));
        }
        Ok(())
    }

    fn read_frame_data(&mut self, chunk: &Chunk<'a>) -> Result<(), Reject> {
        intact(chunk)?;
        let mut cursor = Cursor::new(chunk.data);
        self.take_sequence(cursor.u32_be()?)?;
        if let Some(control) = self.pending_control.take() {
            self.frames.push(Frame {
                control: Some(control),
                stream: Vec::new(),
            });
        }
        // The first frame is the default image, whose data is IDAT.
        match self.frames.as_mut_slice() {
            [_, .., frame] => frame.stream.extend_from_slice(cursor.rest()),
            _ => return Err(malformed("animation data without a frame")),
        }
        Ok(())
    }

    fn take_sequence(&mut self, sequence: u32) -> Result<(), Reject> {
        if sequence != self.next_sequence {
            return Err(malformed("the animation's frames are out of order"));
        }
        self.next_sequence = sequence.saturating_add(1);
        Ok(())
    }

    fn write(mut self) -> Result<Vec<u8>, Reject> {
        self.check_complete()?;
        let header = self.header;
        let frames = std::mem::take(&mut self.frames).into_iter();
        let frames: Vec<Frame> = frames
            .map(|frame| frame.exact(&header))
            .collect::<Result<_, _>>()?;
        let colours = self.named_colours(&frames)?;
        let mut out = SIGNATURE.to_vec();
        chunk::write(*b"IHDR", &header.data(), &mut out)?;
        self.colours.write(header.channels(), &mut out)?;
        if let Some(density) = self.density {
            chunk::write(*b"pHYs", density, &mut out)?;
        }
        if let Some(animation) = self.animation {
            chunk::write(*b"acTL", &animation.data(), &mut out)?;
        }
        if let Some((palette, _)) = &colours {
            chunk::write(*b"PLTE", palette, &mut out)?;
        }
        let indexed_alphas = colours.and_then(|(_, alphas)| alphas);
        if let Some(transparency) = indexed_alphas.or(self.transparency) {
            chunk::write(*b"tRNS", &transparency, &mut out)?;
        }
        write_frames(&frames, &mut out)?;
        chunk::write(*b"IEND", &[], &mut out)?;
        Ok(out)
    }

    /// Palette and alphas of an indexed image, without the values of colours that
    /// no pixel has.
    fn named_colours(&self, frames: &[Frame]) -> Result<Option<Named>, Reject> {
        let Some(palette) = self.palette else {
            return Ok(None);
        };
        let mut used = Used::none();
        for frame in frames {
            used.mark(&frame.stream, &self.header, frame.size(&self.header))?;
        }
        let alphas = self.transparency.as_deref();
        let alphas = alphas.map(|alphas| used.alphas(alphas));
        Ok(Some((used.palette(palette), alphas)))
    }

    fn check_complete(&self) -> Result<(), Reject> {
        let Some(default_image) = self.frames.first() else {
            return Err(malformed("the image has no picture data"));
        };
        if self.header.colour == ImageHeader::INDEXED && self.palette.is_none() {
            return Err(malformed("an indexed image without a palette"));
        }
        let Some(animation) = self.animation else {
            return Ok(());
        };
        let n_frames = self
            .frames
            .iter()
            .filter(|frame| frame.control.is_some())
            .count();
        let complete = u32::try_from(n_frames) == Ok(animation.frames);
        if !complete || self.pending_control.is_some() || !default_image.fills(&self.header) {
            return Err(malformed(
                "the animation does not have the frames it announces",
            ));
        }
        Ok(())
    }
}

/// A palette and its alphas.
type Named = (Vec<u8>, Option<Vec<u8>>);

fn write_frames(frames: &[Frame], out: &mut Vec<u8>) -> Result<(), Reject> {
    let mut sequence = 0_u32..;
    let mut next_sequence = || sequence.next().unwrap_or(u32::MAX);
    for (frame_idx, Frame { control, stream }) in frames.iter().enumerate() {
        if let Some(control) = control {
            chunk::write(*b"fcTL", &control.data(next_sequence()), out)?;
        }
        for data in stream.chunks(DATA_BYTES) {
            if frame_idx == 0 {
                chunk::write(*b"IDAT", data, out)?;
            } else {
                let numbered = [&next_sequence().to_be_bytes(), data].concat();
                chunk::write(*b"fdAT", &numbered, out)?;
            }
        }
    }
    Ok(())
}

fn intact(chunk: &Chunk<'_>) -> Result<(), Reject> {
    if chunk.is_intact() {
        Ok(())
    } else {
        Err(malformed("a chunk's checksum is wrong"))
    }
}
