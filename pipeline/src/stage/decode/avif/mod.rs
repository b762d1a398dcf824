//! AVIF: AV1 by re_rav1d, everything around it here: tiles put together, colours
//! computed, alpha added, the picture turned as the file says.
//!
//! The pixels are sRGB unless the file embeds an ICC profile: they are then in
//! that profile's colours, as with the other formats.

mod av1;
mod light;
mod matrix;
mod planes;

use self::light::{LEVEL_MAX, Light};
use self::matrix::Matrix;
use self::planes::Planes;
use super::raster::{Layout, Raster};
use super::{Picture, Visit, zeroed};
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;
use crate::stage::scrub::avif::meaning;
use crate::stage::sniff::avif::{Avif, open};
use crate::stage::upright::orientation::Orientation;

pub(super) fn play(
    bytes: &[u8],
    header: Header,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), Reject> {
    let (avif, found) = open(bytes, limits)?;
    if found != header {
        return Err(Reject::Malformed {
            detail: "the AVIF's sizes contradict each other",
        });
    }
    let raster = turned(stored(&avif)?, orientation(&avif));
    let _stills_have_no_rest = visit(Picture::Whole(raster));
    Ok(())
}

/// The picture before it is turned.
fn stored(avif: &Avif<'_>) -> Result<Raster, Reject> {
    let colour = Planes::decode(&avif.colour)?;
    let alpha = avif.alpha.as_ref().map(Planes::decode).transpose()?;
    let paint = Paint::new(avif, &colour)?;
    let layout = match (paint.is_grey(), &alpha) {
        (true, None) => Layout::Grey,
        (true, Some(_)) => Layout::GreyAlpha,
        (false, None) => Layout::Rgb,
        (false, Some(_)) => Layout::Rgba,
    };
    let (width, height) = (avif.colour.width, avif.colour.height);
    let channels = layout.channels();
    let mut samples = zeroed(width, height, channels)?;
    let row_bytes = channels * usize::try_from(width).unwrap_or(usize::MAX);

    let alpha_rule = alpha.as_ref().map(alpha_rule).transpose()?;
    let mut colour_row = colour.row();
    let mut alpha_row = alpha.as_ref().map(Planes::row);
    for (y, out) in samples.chunks_exact_mut(row_bytes).enumerate() {
        colour.read(y, &mut colour_row)?;
        if let (Some(alpha), Some(row)) = (&alpha, &mut alpha_row) {
            alpha.read(y, row)?;
        }
        for (x, pixel) in out.chunks_exact_mut(channels).enumerate() {
            let opacity = match (&alpha_rule, &alpha_row) {
                (Some(rule), Some(row)) => narrow(rule.grey(row.luma[x])),
                _ => u8::MAX,
            };
            let chroma = colour_row.chroma.get(x).copied().unwrap_or_default();
            let levels = paint.levels(colour_row.luma[x], chroma, opacity);
            paint.write(levels, opacity, pixel);
        }
    }
    Ok(Raster {
        width,
        height,
        layout,
        samples,
    })
}

/// Alpha is luma without chroma; its range is its own.
fn alpha_rule(alpha: &Planes) -> Result<Matrix, Reject> {
    let config = alpha.config;
    Matrix::new(config, config.matrix, config.full_range, u8::MAX.into())
}

/// How samples become pixels.
struct Paint {
    rule: Matrix,
    light: Option<Light>,
    monochrome: bool,
    premultiplied: bool,
    white: u16,
}

impl Paint {
    /// The file's word on colours counts before the coded data's (AVIF, 2.2.1 and
    /// ISO/IEC 14496-12, 12.1.5), and a profile's before that of both.
    fn new(avif: &Avif<'_>, colour: &Planes) -> Result<Self, Reject> {
        let config = colour.config;
        let [primaries, transfer, matrix] = match avif.nclx {
            Some(nclx) => [nclx.primaries, nclx.transfer, nclx.matrix],
            None => [config.primaries, config.transfer, config.matrix],
        };
        let full_range = avif.nclx.map_or(config.full_range, |nclx| nclx.full_range);
        let light = match meaning(avif) {
            Some(_) => None,
            None => Light::new(primaries, transfer),
        };
        let white = match light {
            Some(_) => LEVEL_MAX,
            None => u8::MAX.into(),
        };
        Ok(Self {
            rule: Matrix::new(config, matrix, full_range, white)?,
            light,
            monochrome: config.monochrome,
            premultiplied: avif.premultiplied,
            white,
        })
    }

    fn is_grey(&self) -> bool {
        self.monochrome && self.light.is_none()
    }

    /// Red, green and blue, not multiplied by the opacity.
    fn levels(&self, luma: u16, chroma: [i64; 2], opacity: u8) -> [u16; 3] {
        let levels = if self.monochrome {
            [self.rule.grey(luma); 3]
        } else {
            self.rule.rgb(luma, chroma)
        };
        if !self.premultiplied || opacity == u8::MAX {
            return levels;
        }
        let opacity = u32::from(opacity);
        levels.map(|level| {
            let whole = (u32::from(level) * 255 + opacity / 2).checked_div(opacity);
            let whole = whole.unwrap_or(0).min(self.white.into());
            u16::try_from(whole).unwrap_or(self.white)
        })
    }

    fn write(&self, levels: [u16; 3], opacity: u8, pixel: &mut [u8]) {
        let rgb = match &self.light {
            Some(light) => light.srgb(levels),
            None => levels.map(narrow),
        };
        match pixel {
            [grey] => *grey = rgb[0],
            [grey, alpha] => [*grey, *alpha] = [rgb[0], opacity],
            [red, green, blue] => [*red, *green, *blue] = rgb,
            [red, green, blue, alpha] => {
                [*red, *green, *blue] = rgb;
                *alpha = opacity;
            }
            _ => {}
        }
    }
}

/// A level whose white is 255.
fn narrow(level: u16) -> u8 {
    u8::try_from(level).unwrap_or(u8::MAX)
}

/// Turning and mirroring (ISO/IEC 23008-12, 6.5.10 and 6.5.12) as one of the
/// eight ways a picture can stand.
fn orientation(avif: &Avif<'_>) -> Orientation {
    match (avif.quarter_turns, avif.mirror) {
        (0, None) => Orientation::Upright,
        (1, None) => Orientation::QuarterTurnLeft,
        (2, None) => Orientation::HalfTurn,
        (_, None) => Orientation::QuarterTurnRight,
        (0, Some(0)) | (2, Some(1)) => Orientation::MirrorDown,
        (0, Some(_)) | (2, Some(_)) => Orientation::MirrorAcross,
        (1, Some(0)) | (3, Some(1)) => Orientation::Transpose,
        (_, Some(_)) => Orientation::Transverse,
    }
}

fn turned(raster: Raster, orientation: Orientation) -> Raster {
    if orientation == Orientation::Upright {
        return raster;
    }
    let Raster {
        width,
        height,
        layout,
        samples,
    } = raster;
    let samples = match layout {
        Layout::Grey => orientation.turn::<1>(&samples, width, height),
        Layout::GreyAlpha => orientation.turn::<2>(&samples, width, height),
        Layout::Rgb => orientation.turn::<3>(&samples, width, height),
        Layout::Rgba => orientation.turn::<4>(&samples, width, height),
    };
    let (width, height) = orientation.turned_size(width, height);
    Raster {
        width,
        height,
        layout,
        samples,
    }
}
