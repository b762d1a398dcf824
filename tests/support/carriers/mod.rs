//! Files that each carry a marker of their own in exactly one place where
//! metadata is known to hide, built by hand; and files that exiftool filled, as
//! a second author.

mod avif;
mod exif;
mod gif;
mod icc;
mod jpeg;
mod png;
mod tool;
mod webp;

use crate::decode::{self, Frames};
use crate::picture::{Format, Jpeg};
use crate::random::Random;

pub use tool::{planted, planted_avif};

/// A file and the one place in it that holds the marker.
#[derive(Debug, Clone)]
pub struct Carrier {
    /// The place.
    pub name: &'static str,
    /// Text that occurs nowhere else in any file.
    pub marker: String,
    /// The file.
    pub file: Vec<u8>,
    /// What an upload of it leads to.
    pub fate: Fate,
}

/// What becomes of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is stored without the marker, and shows the same pixels.
    Stored,
    /// It is stored without the marker; its colours may have been computed anew.
    Recoloured,
    /// It is refused with this code.
    Refused(&'static str),
}

/// The kinds of file that have a list of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One scan.
    BaselineJpeg,
    /// Several scans.
    ProgressiveJpeg,
    /// A still PNG.
    Png,
    /// An animated PNG.
    Apng,
    /// A GIF of one frame.
    Gif,
    /// A GIF of several.
    AnimatedGif,
    /// A lossless WebP.
    LosslessWebp,
    /// A lossy WebP.
    LossyWebp,
    /// An animated WebP.
    AnimatedWebp,
    /// An AVIF.
    Avif,
    /// An AVIF with alpha.
    AvifWithAlpha,
}

impl Kind {
    /// What a file of this kind shows, or `None` if the decoder does not take it.
    #[must_use]
    pub fn frames(self, file: &[u8]) -> Option<Frames> {
        let format = match self {
            Self::BaselineJpeg | Self::ProgressiveJpeg => Format::Jpeg,
            Self::Png | Self::Apng => Format::Png,
            Self::Gif | Self::AnimatedGif => Format::Gif,
            Self::LosslessWebp | Self::LossyWebp | Self::AnimatedWebp => Format::Webp,
            Self::Avif | Self::AvifWithAlpha => return decode::avif(file),
        };
        decode::frames(format, file)
    }

    /// A file of this kind that carries nothing.
    #[must_use]
    pub fn plain(self) -> Vec<u8> {
        match self {
            Self::BaselineJpeg => jpeg::plain(Jpeg::Baseline),
            Self::ProgressiveJpeg => jpeg::plain(Jpeg::Progressive),
            Self::Png => png::plain(),
            Self::Apng => png::plain_animation(),
            Self::Gif => gif::plain(),
            Self::AnimatedGif => gif::plain_animation(),
            Self::LosslessWebp => webp::plain(),
            Self::LossyWebp => webp::plain_lossy(),
            Self::AnimatedWebp => webp::plain_animation(),
            Self::Avif => avif::plain(),
            Self::AvifWithAlpha => avif::plain_with_alpha(),
        }
    }

    /// One file for every place of this kind.
    #[must_use]
    pub fn carriers(self) -> Vec<Carrier> {
        let mut list = List::new(self);
        match self {
            Self::BaselineJpeg => jpeg::list(Jpeg::Baseline, &mut list),
            Self::ProgressiveJpeg => jpeg::list(Jpeg::Progressive, &mut list),
            Self::Png => png::list(&mut list),
            Self::Apng => png::list_animation(&mut list),
            Self::Gif => gif::list(&mut list),
            Self::AnimatedGif => gif::list_animation(&mut list),
            Self::LosslessWebp => webp::list(&mut list),
            Self::LossyWebp => webp::list_lossy(&mut list),
            Self::AnimatedWebp => webp::list_animation(&mut list),
            Self::Avif => avif::list(&mut list),
            Self::AvifWithAlpha => avif::list_alpha(&mut list),
        }
        list.carriers
    }
}

/// Carriers of one kind, each made with a new marker.
struct List {
    carriers: Vec<Carrier>,
    random: Random,
}

impl List {
    fn new(kind: Kind) -> Self {
        Self {
            carriers: Vec::new(),
            random: Random::seeded(kind as u64 + 100),
        }
    }

    fn stored(&mut self, name: &'static str, file: impl FnOnce(&[u8]) -> Vec<u8>) {
        self.add(name, Fate::Stored, file);
    }

    fn recoloured(&mut self, name: &'static str, file: impl FnOnce(&[u8]) -> Vec<u8>) {
        self.add(name, Fate::Recoloured, file);
    }

    fn refused(&mut self, name: &'static str, file: impl FnOnce(&[u8]) -> Vec<u8>) {
        self.add(name, Fate::Refused("malformed-image"), file);
    }

    fn add(&mut self, name: &'static str, fate: Fate, file: impl FnOnce(&[u8]) -> Vec<u8>) {
        let marker = self.marker();
        let file = file(marker.as_bytes());
        self.carriers.push(Carrier {
            name,
            marker,
            file,
            fate,
        });
    }

    /// Sixteen letters, no two of them alike: some places refuse repetitions.
    fn marker(&mut self) -> String {
        let mut letters = *b"ABCDEFGHIJabcdefghijQRSTUVWXYZqrstuvwxyz";
        for at in (1..letters.len()).rev() {
            let other = self.random.below(u32::try_from(at + 1).expect("a few"));
            letters.swap(at, usize::try_from(other).expect("a few"));
        }
        String::from_utf8_lossy(&letters[..16]).into_owned()
    }
}
