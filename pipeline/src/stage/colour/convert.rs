//! Brings samples to sRGB. Matrices and tables are moxcms's work; grey is
//! small enough to be done here.

use std::sync::Arc;

use moxcms::{ColorProfile, ParsingOptions, RenderingIntent, TransformExecutor, TransformOptions};

use crate::error::Reject;
use crate::item::Pixels;
use crate::stage::decode::Layout;
use crate::stage::scrub::icc::curve::Curve;
use crate::stage::scrub::icc::space::srgb_value;
use crate::stage::scrub::icc::{Channels, Meaning, PROFILE_BYTES_MAX, Profile, Space};

const UNUSABLE: Reject = Reject::MetadataNotRemovable {
    detail: "its colour profile is of a kind that can be neither kept nor converted",
};

/// Samples converted at a time: their copy stays in the cache.
const BLOCK_SAMPLES: usize = 12 << 10;

/// From one source to sRGB.
#[derive(Debug)]
pub(in crate::stage) struct Converter {
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Grey, by its curve; to lightness if the profile connects by L*a*b*.
    Tone { curve: Curve, to_lightness: bool },
    /// Grey, along the neutral axis of an RGB profile.
    Axis(Box<ColorProfile>),
    /// RGB.
    Rgb(Box<ColorProfile>),
    /// Cyan, magenta, yellow and black.
    Inks(Box<ColorProfile>),
}

impl Converter {
    /// For a picture with these channels; `None` if it is sRGB already.
    ///
    /// # Errors
    /// [`Reject::MetadataNotRemovable`] for a profile moxcms cannot use.
    pub(in crate::stage) fn of(
        meaning: &Meaning,
        picture: Channels,
    ) -> Result<Option<Self>, Reject> {
        let source = match meaning {
            Meaning::Known(Space::Srgb) => return Ok(None),
            Meaning::Known(space) if picture == Channels::Grey => Source::Tone {
                curve: space.curve(),
                to_lightness: false,
            },
            Meaning::Known(space) => Source::Rgb(parse(space.profile().ok_or(UNUSABLE)?)?),
            Meaning::Odd(profile) => Self::odd(profile, picture)?,
        };
        Ok(Some(Self { source }))
    }

    fn odd(profile: &Profile, picture: Channels) -> Result<Source, Reject> {
        if profile.channels() == Channels::Grey {
            let element = profile.element(b"kTRC").ok_or(UNUSABLE)?;
            return Ok(Source::Tone {
                curve: Curve::read(element).ok_or(UNUSABLE)?,
                to_lightness: profile.connects_by_lab(),
            });
        }
        // Only what was checked and written again gets to moxcms.
        let parsed = parse(&profile.canonical(b"").ok_or(UNUSABLE)?)?;
        Ok(match picture {
            Channels::Grey => Source::Axis(parsed),
            Channels::Rgb => Source::Rgb(parsed),
            Channels::Inks => Source::Inks(parsed),
        })
    }

    /// Converts decoded frames.
    pub(in crate::stage) fn frames(&self, frames: &mut [Pixels]) -> Result<(), Reject> {
        for frame in frames {
            self.samples(&mut frame.rgb, Layout::Rgb)?;
        }
        Ok(())
    }

    /// Converts samples of 8 bits in place; alpha stays. Grey may lie in RGB.
    pub(in crate::stage) fn samples(
        &self,
        samples: &mut [u8],
        layout: Layout,
    ) -> Result<(), Reject> {
        let profile = match &self.source {
            Source::Rgb(profile) => profile,
            Source::Inks(_) => return Err(UNUSABLE),
            Source::Tone { .. } | Source::Axis(_) => {
                let tones = self.tones(u8::MAX.into())?;
                let tone = |sample: &mut u8| {
                    *sample = u8::try_from(tones[usize::from(*sample)]).unwrap_or(u8::MAX);
                };
                for_each_colour(samples, layout, tone);
                return Ok(());
            }
        };
        let (layout, pixel) = moxcms_layout(layout)?;
        let transform = profile
            .create_transform_8bit(layout, &ColorProfile::new_srgb(), layout, options(profile))
            .map_err(|_| UNUSABLE)?;
        in_blocks(samples, pixel, &transform)
    }

    /// Converts samples of 16 bits in place; alpha stays. Grey may lie in RGB.
    pub(in crate::stage) fn samples_of_16_bits(
        &self,
        samples: &mut [u16],
        layout: Layout,
    ) -> Result<(), Reject> {
        let profile = match &self.source {
            Source::Rgb(profile) => profile,
            Source::Inks(_) => return Err(UNUSABLE),
            Source::Tone { .. } | Source::Axis(_) => {
                let tones = self.tones(u16::MAX)?;
                for_each_colour(samples, layout, |sample| {
                    *sample = tones[usize::from(*sample)]
                });
                return Ok(());
            }
        };
        let (layout, pixel) = moxcms_layout(layout)?;
        let transform = profile
            .create_transform_16bit(layout, &ColorProfile::new_srgb(), layout, options(profile))
            .map_err(|_| UNUSABLE)?;
        in_blocks(samples, pixel, &transform)
    }

    /// RGB of pixels of four inks, where 255 is full ink.
    pub(in crate::stage) fn inks(&self, inks: &[u8]) -> Result<Vec<u8>, Reject> {
        let Source::Inks(profile) = &self.source else {
            return Err(UNUSABLE);
        };
        let transform = profile
            .create_transform_8bit(
                moxcms::Layout::Rgba,
                &ColorProfile::new_srgb(),
                moxcms::Layout::Rgb,
                options(profile),
            )
            .map_err(|_| UNUSABLE)?;
        let mut rgb = vec![0; inks.len() / 4 * 3];
        let pixels = BLOCK_SAMPLES / 4;
        for (inks, rgb) in inks.chunks(pixels * 4).zip(rgb.chunks_mut(pixels * 3)) {
            transform.transform(inks, rgb).map_err(|_| UNUSABLE)?;
        }
        Ok(rgb)
    }

    /// sRGB's value for each grey up to `max`.
    fn tones(&self, max: u16) -> Result<Vec<u16>, Reject> {
        match &self.source {
            Source::Tone {
                curve,
                to_lightness,
            } => Ok((0..=max)
                .map(|grey| tone(curve, *to_lightness, grey, max))
                .collect()),
            Source::Axis(profile) | Source::Rgb(profile) => {
                let mut axis: Vec<u16> = (0..=max)
                    .map(|grey| scale(f64::from(grey) / f64::from(max), u16::MAX))
                    .flat_map(|grey| [grey; 3])
                    .collect();
                let rgb = Self {
                    source: Source::Rgb(profile.clone()),
                };
                rgb.samples_of_16_bits(&mut axis, Layout::Rgb)?;
                let (pixels, _) = axis.as_chunks::<3>();
                // Green carries most of the light, should the axis not be neutral.
                let value = |green: u16| scale(f64::from(green) / 65_535.0, max);
                Ok(pixels.iter().map(|[_, green, _]| value(*green)).collect())
            }
            Source::Inks(_) => Err(UNUSABLE),
        }
    }
}

fn tone(curve: &Curve, to_lightness: bool, grey: u16, max: u16) -> u16 {
    let light = curve.linear(f64::from(grey) / f64::from(max));
    let light = if to_lightness {
        luminance(light)
    } else {
        light
    };
    scale(srgb_value(light), max)
}

/// Y of L*, both 0..=1 (CIE 15, 8.2.1).
fn luminance(lightness: f64) -> f64 {
    let root = (lightness * 100.0 + 16.0) / 116.0;
    if root > 6.0 / 29.0 {
        root.powi(3)
    } else {
        (root - 4.0 / 29.0) * 108.0 / 841.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to max after the clamp"
)]
fn scale(value: f64, max: u16) -> u16 {
    (value.clamp(0.0, 1.0) * f64::from(max)).round() as u16
}

/// moxcms's own limits, below those that the profile was read with.
fn parse(profile: &[u8]) -> Result<Box<ColorProfile>, Reject> {
    let limits = ParsingOptions {
        max_profile_size: PROFILE_BYTES_MAX + 1,
        max_allowed_clut_size: PROFILE_BYTES_MAX,
        max_allowed_trc_size: 1 << 16,
    };
    ColorProfile::new_from_slice_with_options(profile, limits)
        .map(Box::new)
        .map_err(|_| UNUSABLE)
}

/// The profile's intent. Absolute intent is for proofs: on a display it would
/// tint the picture with the paper's colour.
fn options(profile: &ColorProfile) -> TransformOptions {
    let rendering_intent = match profile.rendering_intent {
        RenderingIntent::AbsoluteColorimetric => RenderingIntent::RelativeColorimetric,
        intent => intent,
    };
    TransformOptions {
        rendering_intent,
        allow_use_cicp_transfer: false,
        ..TransformOptions::default()
    }
}

fn moxcms_layout(layout: Layout) -> Result<(moxcms::Layout, usize), Reject> {
    match layout {
        Layout::Rgb => Ok((moxcms::Layout::Rgb, 3)),
        Layout::Rgba => Ok((moxcms::Layout::Rgba, 4)),
        Layout::Grey | Layout::GreyAlpha => Err(UNUSABLE),
    }
}

fn for_each_colour<T>(samples: &mut [T], layout: Layout, change: impl Fn(&mut T)) {
    let colours = match layout {
        Layout::Grey | Layout::GreyAlpha => 1,
        Layout::Rgb | Layout::Rgba => 3,
    };
    for pixel in samples.chunks_exact_mut(layout.channels()) {
        pixel[..colours].iter_mut().for_each(&change);
    }
}

type Transform<T> = Arc<dyn TransformExecutor<T> + Send + Sync>;

fn in_blocks<T: Copy + Default>(
    samples: &mut [T],
    pixel: usize,
    transform: &Transform<T>,
) -> Result<(), Reject> {
    let mut source = vec![T::default(); BLOCK_SAMPLES / pixel * pixel];
    for block in samples.chunks_mut(source.len()) {
        let source = &mut source[..block.len()];
        source.copy_from_slice(block);
        transform.transform(source, block).map_err(|_| UNUSABLE)?;
    }
    Ok(())
}
