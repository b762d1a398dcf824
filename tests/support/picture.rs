//! Pictures made by code, and their files in the four accepted formats.

use crate::random::Random;

/// The four accepted formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lossy.
    Jpeg,
    /// Lossless.
    Png,
    /// Lossless here.
    Webp,
    /// 216 colours here.
    Gif,
}

impl Format {
    /// Every accepted format.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// The extension the service gives it.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

/// RGB8 pixels, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Something like a photo to a codec and a classifier: a sky that fades,
    /// round things in front of it, and a little sensor noise.
    #[must_use]
    pub fn scene(width: u16, height: u16, seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let (top, bottom) = (colour(&mut random), colour(&mut random));
        let balls: [Ball; 6] = std::array::from_fn(|_| Ball::random(&mut random));
        let mut rgb = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
        for y in 0..height {
            let down = f32::from(y) / f32::from(height);
            for x in 0..width {
                let across = f32::from(x) / f32::from(width);
                let mut pixel: [f32; 3] =
                    std::array::from_fn(|c| top[c] * (1.0 - down) + bottom[c] * down);
                for ball in &balls {
                    ball.paint(across, down, &mut pixel);
                }
                rgb.extend(pixel.map(|value| to_u8(value + random.unit() * 6.0)));
            }
        }
        Self { width, height, rgb }
    }

    /// Nothing but noise, which no codec makes smaller.
    #[must_use]
    pub fn noise(width: u16, height: u16, seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let rgb = (0..usize::from(width) * usize::from(height) * 3)
            .map(|_| random.byte())
            .collect();
        Self { width, height, rgb }
    }

    /// The pixels of an RGB8 PNG.
    ///
    /// # Panics
    /// When the file is anything else.
    #[must_use]
    pub fn from_png(file: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .expect("a PNG");
        let mut rgb = vec![0; reader.output_buffer_size().expect("a small picture")];
        let frame = reader.next_frame(&mut rgb).expect("a whole PNG");
        assert_eq!(
            (frame.color_type, frame.bit_depth),
            (png::ColorType::Rgb, png::BitDepth::Eight)
        );
        let side = |pixels: u32| u16::try_from(pixels).expect("a small picture");
        Self {
            width: side(frame.width),
            height: side(frame.height),
            rgb,
        }
    }

    /// Twice as wide and as high, each pixel four times.
    #[must_use]
    pub fn doubled(&self) -> Self {
        let rgb = self
            .rgb
            .chunks_exact(usize::from(self.width) * 3)
            .flat_map(|row| {
                let wide: Vec<u8> = row
                    .chunks_exact(3)
                    .flat_map(|pixel| [pixel, pixel].concat())
                    .collect();
                [wide.as_slice(), &wide].concat()
            })
            .collect();
        Self {
            width: self.width * 2,
            height: self.height * 2,
            rgb,
        }
    }

    /// The picture in the 216 colours that [`Format::Gif`] keeps.
    #[must_use]
    pub fn websafe(&self) -> Self {
        let rgb = self
            .rgb
            .iter()
            .map(|value| websafe_level(*value) * 51)
            .collect();
        Self { rgb, ..*self }
    }

    /// The picture's file in this format. PNG and WebP keep every pixel.
    ///
    /// # Panics
    /// When an encoder refuses it, which is a mistake here.
    #[must_use]
    pub fn encode(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Jpeg => self.jpeg(Jpeg::Baseline),
            Format::Png => self.png(),
            Format::Webp => self.webp(),
            Format::Gif => animation(std::slice::from_ref(self)),
        }
    }

    /// The picture in another size: each pixel is the mean of what it covers, or
    /// the pixel that it lies in.
    ///
    /// # Panics
    /// When it would have no pixels.
    #[must_use]
    pub fn resized(&self, width: u16, height: u16) -> Self {
        assert!(width > 0 && height > 0, "a picture has pixels");
        let span = |at: u16, of: u16, source: u16| {
            let [at, of, source] = [at, of, source].map(usize::from);
            let first = at * source / of;
            first..((at + 1) * source).div_ceil(of).max(first + 1).min(source)
        };
        let mut rgb = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
        for y in 0..height {
            let rows = span(y, height, self.height);
            for x in 0..width {
                let columns = span(x, width, self.width);
                let n_pixels = rows.len() * columns.len();
                rgb.extend((0..3).map(|c| {
                    let of_row = |row: usize| {
                        let start = row * usize::from(self.width);
                        let row = columns.clone().map(move |column| (start + column) * 3 + c);
                        row.map(|at| usize::from(self.rgb[at])).sum::<usize>()
                    };
                    let sum: usize = rows.clone().map(of_row).sum();
                    u8::try_from(sum / n_pixels).expect("a mean of bytes is a byte")
                }));
            }
        }
        Self { width, height, rgb }
    }

    /// A JPEG of another quality, 1 to 100.
    ///
    /// # Panics
    /// When the encoder refuses it, which is a mistake here.
    #[must_use]
    pub fn jpeg_of_quality(&self, quality: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut file, quality);
        let colours = jpeg_encoder::ColorType::Rgb;
        let encoded = encoder.encode(&self.rgb, self.width, self.height, colours);
        encoded.expect("a picture of ours encodes");
        file
    }

    /// A JPEG of quality 90.
    ///
    /// # Panics
    /// When the encoder refuses it, which is a mistake here.
    #[must_use]
    pub fn jpeg(&self, kind: Jpeg) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
        encoder.set_progressive(kind == Jpeg::Progressive);
        encoder
            .encode(
                &self.rgb,
                self.width,
                self.height,
                jpeg_encoder::ColorType::Rgb,
            )
            .expect("a picture of ours encodes");
        file
    }

    /// A PNG, every pixel kept.
    ///
    /// # Panics
    /// When the encoder refuses it, which is a mistake here.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder =
            png::Encoder::new(&mut file, u32::from(self.width), u32::from(self.height));
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a picture of ours encodes");
        writer
            .write_image_data(&self.rgb)
            .expect("a picture of ours encodes");
        writer.finish().expect("a picture of ours encodes");
        file
    }

    fn webp(&self) -> Vec<u8> {
        let mut file = Vec::new();
        image_webp::WebPEncoder::new(&mut file)
            .encode(
                &self.rgb,
                u32::from(self.width),
                u32::from(self.height),
                image_webp::ColorType::Rgb8,
            )
            .expect("a picture of ours encodes");
        file
    }
}

/// How a JPEG's scans are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jpeg {
    /// One scan, top to bottom.
    Baseline,
    /// Several scans, coarse to fine.
    Progressive,
}

/// A GIF of these frames, looping, in the 216 web-safe colours.
///
/// # Panics
/// When there are no frames, or they differ in size.
#[must_use]
pub fn animation(frames: &[Picture]) -> Vec<u8> {
    let first = frames.first().expect("an animation has frames");
    let palette: Vec<u8> = (0..216_u8)
        .flat_map(|index| [index / 36, index / 6 % 6, index % 6].map(|level| level * 51))
        .collect();
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, first.width, first.height, &palette)
        .expect("a picture of ours encodes");
    if frames.len() > 1 {
        encoder
            .set_repeat(gif::Repeat::Infinite)
            .expect("a loop can be written");
    }
    for picture in frames {
        assert_eq!((picture.width, picture.height), (first.width, first.height));
        let indices: Vec<u8> = picture
            .rgb
            .chunks_exact(3)
            .map(|pixel| {
                pixel
                    .iter()
                    .fold(0, |index, value| index * 6 + websafe_level(*value))
            })
            .collect();
        let frame = gif::Frame::from_indexed_pixels(picture.width, picture.height, indices, None);
        encoder
            .write_frame(&frame)
            .expect("a picture of ours encodes");
    }
    drop(encoder);
    file
}

/// An APNG of these frames, looping, every pixel kept.
///
/// # Panics
/// When there are no frames, or they differ in size.
#[must_use]
pub fn animated_png(frames: &[Picture]) -> Vec<u8> {
    let first = frames.first().expect("an animation has frames");
    let n_frames = u32::try_from(frames.len()).expect("a short animation");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::from(first.width), u32::from(first.height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .set_animated(n_frames, 0)
        .expect("an animation can be written");
    let mut writer = encoder.write_header().expect("a picture of ours encodes");
    for picture in frames {
        writer
            .write_image_data(&picture.rgb)
            .expect("a picture of ours encodes");
    }
    writer.finish().expect("a picture of ours encodes");
    file
}

/// Which of the six levels of the web-safe colours.
fn websafe_level(value: u8) -> u8 {
    (value / 43).min(5)
}

struct Ball {
    colour: [f32; 3],
    across: f32,
    down: f32,
    radius: f32,
}

impl Ball {
    fn random(random: &mut Random) -> Self {
        Self {
            colour: colour(random),
            across: random.unit(),
            down: random.unit(),
            radius: 0.05 + random.unit() * 0.3,
        }
    }

    fn paint(&self, across: f32, down: f32, pixel: &mut [f32; 3]) {
        let distance = (across - self.across).hypot(down - self.down) / self.radius;
        if distance < 1.0 {
            let light = 1.0 - distance * distance;
            *pixel = std::array::from_fn(|c| self.colour[c] * (0.4 + 0.6 * light));
        }
    }
}

fn colour(random: &mut Random) -> [f32; 3] {
    std::array::from_fn(|_| random.unit() * 255.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of a u8"
)]
fn to_u8(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}
