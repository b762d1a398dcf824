//! The pictures of a PNG or APNG, one after another, for whoever writes them again.

use std::io::{self, Write};

use png::{
    AnimationControl, BitDepth, ColorType, Decoder, DeflateCompression, Encoder, EncodingError,
    FrameControl, Info, Reader, Transformations, Writer,
};

use crate::item::Header;

/// A file that holds at most an eighth of its samples' bytes is a drawing more
/// likely than a photo: what is fast for a photo would make it several times as
/// large, and what is slow for a photo is fast for it.
const DRAWING_RATIO_MIN: u64 = 8;

/// Bytes of samples up to which a photo is packed as well as may be, at a few
/// megabytes a second; beyond, a twentieth larger, in a hundredth of the time.
const PHOTO_PACKED_WELL_MAX: u64 = 16 << 20;

/// Bytes of samples up to which a drawing is packed as well as may be, at twenty
/// megabytes a second or more; beyond, at three times that, somewhat larger.
const DRAWING_PACKED_WELL_MAX: u64 = 64 << 20;

/// Bytes of samples beyond which nothing but speed counts, for the deadline.
const DRAWING_PACKED_MAX: u64 = 512 << 20;

/// The file was decoded before, but not in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) struct Unreadable;

/// Reads a still's one picture, or the still that stands apart from an animation
/// and then the frames.
pub(in crate::stage) struct Pictures<'a> {
    source: Reader<io::Cursor<&'a [u8]>>,
    samples: Vec<u8>,
    animation: Option<AnimationControl>,
    still_apart: bool,
    left: u64,
}

/// One picture of its own size, which is not yet composed with what it lies on.
pub(in crate::stage) struct Picture<'a> {
    pub(in crate::stage) width: u32,
    pub(in crate::stage) height: u32,
    /// Where it lies and how it is shown; only frames of an animation have one.
    pub(in crate::stage) control: Option<FrameControl>,
    /// Row-major, each row filled up to whole bytes.
    pub(in crate::stage) samples: &'a mut [u8],
}

impl<'a> Pictures<'a> {
    pub(in crate::stage) fn open(
        bytes: &'a [u8],
        header: Header,
        transformations: Transformations,
    ) -> Result<Self, Unreadable> {
        let mut decoder = Decoder::new(io::Cursor::new(bytes));
        decoder.set_transformations(transformations);
        // Neither is taken over from here, and both may inflate to no end.
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_limits(png::Limits {
            bytes: memory_bytes_max(bytes, header),
        });
        let source = decoder.read_info().map_err(|_| Unreadable)?;
        if source.info().size() != (header.width, header.height) {
            return Err(Unreadable);
        }
        let samples = vec![0; source.output_buffer_size().ok_or(Unreadable)?];
        let animation = source.info().animation_control;
        let still_apart = animation.is_some() && source.info().frame_control.is_none();
        let n_frames = animation.map_or(1, |animation| animation.num_frames);
        Ok(Self {
            source,
            samples,
            animation,
            still_apart,
            left: u64::from(n_frames) + u64::from(still_apart),
        })
    }

    /// What the samples are.
    pub(in crate::stage) fn shape(&self) -> (ColorType, BitDepth) {
        self.source.output_color_type()
    }

    /// How hard to pack these samples again, which came in a file of `file_bytes`.
    pub(in crate::stage) fn packing(
        &self,
        header: Header,
        file_bytes: usize,
    ) -> DeflateCompression {
        let (color_type, depth) = self.shape();
        let bits = color_type.samples() as u64 * depth as u64;
        let pixels = u64::from(header.width) * u64::from(header.height) * u64::from(header.frames);
        let raw_bytes = pixels * bits / 8;
        let file_bytes = u64::try_from(file_bytes).unwrap_or(u64::MAX);
        let is_drawing = raw_bytes >= file_bytes.saturating_mul(DRAWING_RATIO_MIN);
        match raw_bytes {
            ..=PHOTO_PACKED_WELL_MAX => DeflateCompression::Level(6),
            ..=DRAWING_PACKED_WELL_MAX if is_drawing => DeflateCompression::Level(6),
            ..=DRAWING_PACKED_MAX if is_drawing => DeflateCompression::Level(3),
            _ => DeflateCompression::FdeflateUltraFast,
        }
    }

    pub(in crate::stage) fn info(&self) -> &Info<'a> {
        self.source.info()
    }

    /// Tells an encoder how many pictures will come.
    pub(in crate::stage) fn announce<W: Write>(
        &self,
        encoder: &mut Encoder<'_, W>,
    ) -> Result<(), EncodingError> {
        let Some(animation) = self.animation else {
            return Ok(());
        };
        encoder.set_animated(animation.num_frames, animation.num_plays)?;
        encoder.set_sep_def_img(self.still_apart)
    }

    /// The next picture; `None` after the last.
    pub(in crate::stage) fn next(&mut self) -> Result<Option<Picture<'_>>, Unreadable> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let interlaced = self.source.info().interlaced;
        if interlaced {
            // The crate joins pixels of few bits to those that are there.
            self.samples.fill(0);
        }
        let shape = self.source.next_frame(&mut self.samples);
        let shape = shape.map_err(|_| Unreadable)?;
        let rows = usize::try_from(shape.height).map_err(|_| Unreadable)?;
        let row_bytes = shape.line_size;
        if interlaced {
            // The crate spaces the rows of an interlaced frame as far as the image's.
            let stride = self.source.output_line_size(self.source.info().width);
            let stride = stride.ok_or(Unreadable)?;
            for row in 1..rows {
                let at = row * stride;
                self.samples
                    .copy_within(at..at + row_bytes, row * row_bytes);
            }
        }
        let samples = self.samples.get_mut(..rows * row_bytes);
        Ok(Some(Picture {
            width: shape.width,
            height: shape.height,
            // The still that stands apart has none; what a still has is void.
            control: self.animation.and(self.source.info().frame_control),
            samples: samples.ok_or(Unreadable)?,
        }))
    }
}

/// Writes a picture as it lies and is shown by its control.
pub(in crate::stage) fn write<W: Write>(
    writer: &mut Writer<W>,
    control: Option<FrameControl>,
    samples: &[u8],
) -> Result<(), EncodingError> {
    if let Some(control) = control {
        // A size is checked against the position, which is the last frame's.
        writer.reset_frame_position()?;
        writer.set_frame_dimension(control.width, control.height)?;
        writer.set_frame_position(control.x_offset, control.y_offset)?;
        writer.set_frame_delay(control.delay_num, control.delay_den)?;
        writer.set_blend_op(control.blend_op)?;
        writer.set_dispose_op(control.dispose_op)?;
    }
    writer.write_image_data(samples)
}

/// The png crate counts a line of output per frame against its limit, and never
/// gives it back. Exif it reads whole, into a buffer that doubles, and copies.
fn memory_bytes_max(bytes: &[u8], header: Header) -> usize {
    const TABLES_BYTES: u64 = 1 << 20;
    let line = u64::from(header.width) * 8;
    let lines = line.saturating_mul(u64::from(header.frames) + 2);
    usize::try_from(lines.saturating_add(TABLES_BYTES))
        .unwrap_or(usize::MAX)
        .saturating_add(bytes.len().saturating_mul(3))
}
