//! Inputs drawn by code, so that a bench runs in a fresh clone and every
//! machine measures the same pictures.

use std::fmt;
use std::sync::Arc;

use imgshare_pipeline::item::Upload;
use imgshare_tests::picture::{Format, Picture, animation};
use imgshare_web::commands::bench::photo::Photo;

/// Frames of the animation: a short one, of which three are classified.
const N_FRAMES: u64 = 12;

/// A drawn file and what it is called in a bench.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The format and the size.
    pub name: SampleName,
    /// The whole file.
    pub bytes: Arc<[u8]>,
}

impl Sample {
    /// The file as it would come from outside.
    #[must_use]
    pub fn upload(&self) -> Upload {
        Upload {
            bytes: Arc::clone(&self.bytes),
        }
    }

    /// Size of the file, as criterion counts throughput.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

/// `jpeg 8.0 MP`.
#[derive(Debug, Clone, Copy)]
pub struct SampleName {
    format: Format,
    width: u16,
    height: u16,
}

impl fmt::Display for SampleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megapixels = f64::from(self.width) * f64::from(self.height) / 1e6;
        write!(f, "{} {megapixels:.1} MP", self.format.extension())
    }
}

/// An 8 MP photo as phones write them.
#[must_use]
pub fn phone_jpeg() -> Sample {
    sample(Format::Jpeg, 3_264, 2_448)
}

/// Width and height of [`two_k_jpeg`].
pub const TWO_K: (u16, u16) = (2_040, 1_356);

/// A photo as large as screens show it.
#[must_use]
pub fn two_k_jpeg() -> Sample {
    sample(Format::Jpeg, TWO_K.0, TWO_K.1)
}

/// One of each format, the lossless ones smaller: few people upload those
/// in a camera's size.
#[must_use]
pub fn every_format() -> Vec<Sample> {
    vec![
        phone_jpeg(),
        sample(Format::Jpeg, 640, 480),
        sample(Format::Png, 1_920, 1_080),
        sample(Format::Webp, 1_920, 1_080),
        moving_gif(480, 270),
    ]
}

/// A small JPEG, where what surrounds the pixels is what costs.
#[must_use]
pub fn thumbnail_jpeg() -> Sample {
    sample(Format::Jpeg, 64, 48)
}

/// RGB8 pixels of a drawn photo, row-major.
#[must_use]
pub fn pixels(width: u16, height: u16) -> Vec<u8> {
    picture(1, width, height).rgb
}

fn sample(format: Format, width: u16, height: u16) -> Sample {
    let bytes = match format {
        // The product's own settings, which come to a phone's bits a pixel.
        Format::Jpeg => Photo::draw(1, width, height)
            .jpeg()
            .expect("a drawn photo encodes"),
        _ => picture(1, width, height).encode(format),
    };
    Sample {
        name: SampleName {
            format,
            width,
            height,
        },
        bytes: bytes.into(),
    }
}

fn moving_gif(width: u16, height: u16) -> Sample {
    let frames: Vec<Picture> = (0..N_FRAMES)
        .map(|seed| picture(seed, width, height))
        .collect();
    let name = SampleName {
        format: Format::Gif,
        width,
        height,
    };
    Sample {
        name,
        bytes: animation(&frames).into(),
    }
}

fn picture(seed: u64, width: u16, height: u16) -> Picture {
    Picture {
        width,
        height,
        rgb: Photo::draw(seed, width, height).rgb,
    }
}
