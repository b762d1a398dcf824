//! One type per step of the data path. Each can only be made by the stage
//! before it, so holding one is proof of what has been checked.

use std::sync::Arc;

use imgshare_kernels::Pdq;

/// The formats that are accepted, as named by their magic bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, baseline or progressive.
    Jpeg,
    /// PNG and APNG.
    Png,
    /// WebP, lossy, lossless or animated.
    Webp,
    /// GIF 87a and 89a.
    Gif,
    /// AVIF, still.
    Avif,
}

impl Format {
    /// The media type sent with the bytes.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
        }
    }

    /// The file extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
        }
    }
}

/// Bytes as they came from outside. Nothing is known about them.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The whole file.
    pub bytes: Arc<[u8]>,
}

/// What the header says, within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Width in pixels as stored, before any turning; of an AVIF, whose turning is
    /// part of its structure, as shown.
    pub width: u32,
    /// Height in pixels, likewise.
    pub height: u32,
    /// Frames; 1 for a still.
    pub frames: u32,
}

/// A file whose format is known and whose header is within the limits.
#[derive(Debug, Clone)]
pub struct Sniffed {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) format: Format,
    pub(crate) header: Header,
}

impl Sniffed {
    /// What the header says.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }
}

/// RGB8 pixels, row-major, no padding, and what shines through them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Not premultiplied.
    pub(crate) rgb: Vec<u8>,
    /// One byte a pixel; there only if some pixel is not opaque.
    pub(crate) alpha: Option<Vec<u8>>,
}

/// What is looked at of a picture that nothing else is done with: it was decoded
/// completely, and its pixels are gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    pub(crate) squares: Squares,
    /// None when the picture is too small.
    pub(crate) pdq: Option<Pdq>,
}

/// One picture as classifiers read it: a slot each, see [`Prepared`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Squares {
    pub(crate) first: Box<[u16]>,
    pub(crate) second: Option<Box<[u16]>>,
    pub(crate) shadow: Option<Box<[u16]>>,
}

impl Squares {
    /// Those of `sides`, as `square` makes them.
    pub(crate) fn of(sides: Sides, square: impl Fn(u32) -> Box<[u16]>) -> Self {
        let first = square(sides.first);
        let second = sides.second.map(&square);
        // Most models read the same square: it is not made twice.
        let shadow = sides.shadow.map(|side| match second.as_ref() {
            _ if side == sides.first => first.clone(),
            Some(second) if sides.second == Some(side) => second.clone(),
            _ => square(side),
        });
        Self {
            first,
            second,
            shadow,
        }
    }
}

/// An image whose pixels decoded completely. `frames` holds the sampled frames
/// that will be classified: one for a still, a few of an animation; none where
/// `shrunk` holds all that is needed of them.
#[derive(Debug)]
pub struct Decoded {
    pub(crate) sniffed: Sniffed,
    pub(crate) frames: Vec<Pixels>,
    pub(crate) shrunk: Option<Shrunk>,
}

/// An image whose pixels stand upright; `bytes` encode them that way.
#[derive(Debug)]
pub struct Upright {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) format: Format,
    pub(crate) header: Header,
    pub(crate) frames: Vec<Pixels>,
    pub(crate) shrunk: Option<Shrunk>,
}

/// An image in a known colour space: `bytes` carry a profile only if it describes
/// one, and `frames` are sRGB.
#[derive(Debug)]
pub struct Coloured {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) format: Format,
    pub(crate) header: Header,
    pub(crate) frames: Vec<Pixels>,
    pub(crate) shrunk: Option<Shrunk>,
}

/// Bytes proved free of metadata: the container was rebuilt from an allow-list,
/// parsed again and found clean. The only bytes that may be written anywhere.
///
/// There is no public constructor: `stage::scrub` makes them.
#[derive(Debug, Clone)]
pub struct Scrubbed {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) format: Format,
    pub(crate) header: Header,
}

impl Scrubbed {
    /// The clean file.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Upright width and height in pixels, and frames.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }
}

/// Scrubbed bytes with the frames that are still to be classified.
#[derive(Debug)]
pub struct Clean {
    pub(crate) scrubbed: Scrubbed,
    pub(crate) frames: Vec<Pixels>,
    pub(crate) shrunk: Option<Shrunk>,
}

/// A clean image and the hashes of what is shown.
#[derive(Debug)]
pub struct Looked {
    pub(crate) clean: Clean,
    pub(crate) sha256: [u8; 32],
    /// Of the first frame; none when it is too small.
    pub(crate) pdq: Option<Pdq>,
}

/// Sides of the squares that an image is reduced to, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// What the classifier reads.
    pub first: u32,
    /// What a cascade's second classifier reads, if there is one.
    pub second: Option<u32>,
    /// What a candidate model reads, if it is to look at the image.
    pub shadow: Option<u32>,
}

impl From<u32> for Sides {
    /// For a classifier that decides everything.
    fn from(side: u32) -> Self {
        Self {
            first: side,
            second: None,
            shadow: None,
        }
    }
}

/// A clean image reduced to the classifier's input.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) scrubbed: Scrubbed,
    pub(crate) sha256: [u8; 32],
    pub(crate) pdq: Option<Pdq>,
    /// Classifier inputs: one for each sampled frame, two where it shines
    /// through. Each is side x side x 3, HWC, u16 fixed point where 65,535 is
    /// 1.0. Finer than u8 because rounding to 8 bits after the resize moves a
    /// class by up to 0.013.
    pub(crate) slots: Vec<Box<[u16]>>,
    /// The same for a cascade's second classifier; empty without one. Made now
    /// because the pixels end here, and it may have to look at any of them.
    pub(crate) second_slots: Vec<Box<[u16]>>,
    /// The same for a candidate model; empty where it does not look.
    pub(crate) shadow_slots: Vec<Box<[u16]>>,
}
