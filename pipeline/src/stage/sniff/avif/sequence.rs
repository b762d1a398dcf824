//! The sequence header of AV1 (version 1.0.0 with errata 1, section 5.5): size,
//! depth, channels and colours of every frame that follows.

use super::UNSUPPORTED;
use super::bits::{BitWriter, Bits};
use crate::error::Reject;

/// What the header says, and the header written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) profile: u8,
    pub(crate) level: u8,
    pub(crate) tier: u8,
    pub(crate) colours: ColourConfig,
    /// Whether film grain may be added to the decoded picture.
    pub(crate) grainy: bool,
    /// Whether frame headers leave out what stills do not need.
    pub(super) reduced: bool,
    /// The payload without timing, delays and operating points but the first,
    /// which say nothing about a still, ended as the standard demands.
    pub(crate) payload: Vec<u8>,
}

/// Depth, channels and colours (5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColourConfig {
    /// Bits a sample: 8, 10 or 12.
    pub(crate) depth: u8,
    pub(crate) monochrome: bool,
    pub(crate) halved_across: bool,
    pub(crate) halved_down: bool,
    pub(crate) chroma_position: u8,
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
    pub(crate) matrix: u8,
    pub(crate) full_range: bool,
}

const UNSPECIFIED: u8 = 2;

impl Sequence {
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Reject> {
        let mut bits = Bits::new(payload);
        let profile = bits.small(3)?;
        if profile > 2 {
            return Err(UNSUPPORTED);
        }
        let still = bits.flag()?;
        let reduced = bits.flag()?;
        let (level, tier) = if reduced {
            (bits.small(5)?, 0)
        } else {
            skip_operating_points(&mut bits)?
        };
        let tail_start = bits.at();
        let (width, height) = read_size(&mut bits)?;
        skip_tools(&mut bits, reduced)?;
        let colours = ColourConfig::read(&mut bits, profile)?;
        let grainy = bits.flag()?;
        let tail_end = bits.at();

        let mut rewritten = BitWriter::default();
        rewritten.number(profile.into(), 3);
        rewritten.flag(still);
        rewritten.flag(reduced);
        if !reduced {
            // No timing, no initial delay, one operating point of all layers.
            rewritten.number(0, 1 + 1 + 5 + 12);
        }
        rewritten.number(level.into(), 5);
        if !reduced && level > 7 {
            rewritten.number(tier.into(), 1);
        }
        let mut tail = Bits::new(payload);
        for at in 0..tail_end {
            let bit = tail.flag()?;
            if at >= tail_start {
                rewritten.flag(bit);
            }
        }
        Ok(Self {
            width,
            height,
            profile,
            level,
            tier,
            colours,
            grainy,
            reduced,
            payload: rewritten.finish(),
        })
    }
}

/// Timing, delays and operating points; the level and tier of the first.
fn skip_operating_points(bits: &mut Bits<'_>) -> Result<(u8, u8), Reject> {
    if bits.flag()? {
        let _ticks = (bits.number(32)?, bits.number(32)?);
        if bits.flag()? {
            skip_variable_length(bits)?;
        }
        // A decoder model puts times into the frame headers.
        if bits.flag()? {
            return Err(UNSUPPORTED);
        }
    }
    let has_delays = bits.flag()?;
    let n_points = bits.number(5)? + 1;
    let mut first = None;
    for _ in 0..n_points {
        let layers = bits.number(12)?;
        let level = bits.small(5)?;
        let tier = if level > 7 { bits.small(1)? } else { 0 };
        if has_delays && bits.flag()? {
            let _delay = bits.number(4)?;
        }
        // More than one spatial layer, of which a still could show any.
        if first.is_none() && layers >> 9 != 0 {
            return Err(UNSUPPORTED);
        }
        first = first.or(Some((level, tier)));
    }
    first.ok_or(Reject::Truncated)
}

/// 4.10.3: as many bits after the first one as there were zeros before it.
fn skip_variable_length(bits: &mut Bits<'_>) -> Result<(), Reject> {
    let mut n_zeros = 0;
    while !bits.flag()? {
        n_zeros += 1;
        if n_zeros >= 32 {
            return Ok(());
        }
    }
    bits.number(n_zeros).map(|_| ())
}

fn read_size(bits: &mut Bits<'_>) -> Result<(u32, u32), Reject> {
    let width_bits = bits.number(4)? + 1;
    let height_bits = bits.number(4)? + 1;
    Ok((bits.number(width_bits)? + 1, bits.number(height_bits)? + 1))
}

/// The coding tools between size and colours.
fn skip_tools(bits: &mut Bits<'_>, reduced: bool) -> Result<(), Reject> {
    // Numbered frames.
    if !reduced && bits.flag()? {
        let _lengths = bits.number(4 + 3)?;
    }
    // Superblock size, filter intra, intra edge.
    bits.number(3)?;
    if !reduced {
        // Interintra, masked compound, warped motion, dual filter.
        bits.number(4)?;
        let order_hint = bits.flag()?;
        if order_hint {
            // Joint compound, reference frame vectors.
            bits.number(2)?;
        }
        // Screen content tools: as each frame chooses, or forced.
        let screen_content = bits.flag()? || bits.flag()?;
        // Integer vectors: as each frame chooses, or forced.
        if screen_content && !bits.flag()? {
            bits.flag()?;
        }
        if order_hint {
            bits.number(3)?;
        }
    }
    // Superresolution, directional enhancement, restoration.
    bits.number(3).map(|_| ())
}

impl ColourConfig {
    fn read(bits: &mut Bits<'_>, profile: u8) -> Result<Self, Reject> {
        let high = bits.flag()?;
        let depth = match high {
            true if profile == 2 && bits.flag()? => 12,
            true => 10,
            false => 8,
        };
        let monochrome = profile != 1 && bits.flag()?;
        let [primaries, transfer, matrix] = if bits.flag()? {
            [bits.small(8)?, bits.small(8)?, bits.small(8)?]
        } else {
            [UNSPECIFIED; 3]
        };
        let mut config = Self {
            depth,
            monochrome,
            halved_across: monochrome,
            halved_down: monochrome,
            chroma_position: 0,
            primaries,
            transfer,
            matrix,
            full_range: true,
        };
        if monochrome {
            config.full_range = bits.flag()?;
            return Ok(config);
        }
        // sRGB as it is: neither range nor halving is written.
        if (primaries, transfer, matrix) != (1, 13, 0) {
            config.full_range = bits.flag()?;
            (config.halved_across, config.halved_down) = match profile {
                0 => (true, true),
                1 => (false, false),
                _ if depth < 12 => (true, false),
                _ => {
                    let across = bits.flag()?;
                    (across, across && bits.flag()?)
                }
            };
            if config.halved_across && config.halved_down {
                config.chroma_position = bits.small(2)?;
            }
        }
        let _separate_quantisers = bits.flag()?;
        Ok(config)
    }
}
