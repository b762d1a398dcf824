//! Decodes one block of a scan (T.81, F.2.2 and G.1.2).

use super::BROKEN;
use super::bits::Bits;
use super::codes::{AcCode, Code, Step, Steps};
use super::plane::Plane;
use crate::error::Reject;
use crate::stage::scrub::jpeg::frame::{Frame, Scan};

const LAST: usize = 63;

/// A code that is no number but says how far zeros reach.
const SIXTEEN_ZEROS: u8 = 0xF0;

/// Looks between two refills: three of eleven bits, of which the last may turn out
/// to be one of 31, are no more than the 56 that a refill makes available.
const LOOKS: usize = 3;

/// What a scan codes of each block.
pub(super) enum Band {
    /// Everything: a sequential scan.
    All,
    /// DC without its lowest bits.
    Dc { low: u8 },
    /// One more bit of the DC.
    DcBit { low: u8 },
    /// A band of AC without their lowest bits.
    Ac(AcBand),
    /// One more bit of a band of AC.
    AcBit(AcBand),
}

impl Band {
    pub(super) fn of(frame: &Frame, scan: &Scan) -> Self {
        let (high, low) = (scan.approximation >> 4, scan.approximation & 15);
        let [first, last] = scan.spectrum.map(usize::from);
        let band = AcBand { first, last, low };
        match (frame.progressive(), first, high) {
            (false, ..) => Self::All,
            (true, 0, 0) => Self::Dc { low },
            (true, 0, _) => Self::DcBit { low },
            (true, _, 0) => Self::Ac(band),
            (true, ..) => Self::AcBit(band),
        }
    }
}

/// Coefficients `first..=last`, whose lowest bit here is `low`.
pub(super) struct AcBand {
    first: usize,
    last: usize,
    low: u8,
}

/// `value` with `low` bits below it, if that is still a coefficient.
#[inline(always)]
pub(super) fn scaled(value: i32, low: u8) -> Result<i16, Reject> {
    let scaled = i16::try_from(value << (low & 15)).map_err(|_| BROKEN)?;
    // Negated it must still be one.
    if scaled == i16::MIN {
        return Err(BROKEN);
    }
    Ok(scaled)
}

/// The DC of a block, sent as the difference to the block before.
#[inline(always)]
pub(super) fn dc(bits: &mut Bits<'_>, code: &Code, previous: &mut i32) -> Result<i16, Reject> {
    bits.refill();
    let size = code.symbol(bits)?;
    if size > 15 {
        return Err(BROKEN);
    }
    *previous += bits.number(size.into());
    scaled(*previous, 0)
}

/// All AC of a block. Returns where they end.
///
/// A function of its own, so that all of its loop stays in registers.
#[inline(never)]
pub(super) fn ac<'a, P: Plane>(
    bits: Bits<'a>,
    code: &AcCode,
    plane: &mut P,
    block: usize,
) -> Result<Bits<'a>, Reject> {
    let mut bits = bits;
    let mut position = 1;
    loop {
        bits.refill();
        for _ in 0..LOOKS {
            let mut steps = code.steps(&bits);
            if steps.n_bits[1] == 0 {
                steps = Steps::taken(long_step(&mut bits, code)?);
                bits.refill();
            }
            let [first, second] = [steps.first(), steps.second()];
            let [n_first, n_both] = steps.n_bits.map(u32::from);
            position += usize::from(first.run);
            if position >= LAST {
                // What looks like a second step is the next block's.
                bits.skip(n_first);
                if position > LAST {
                    return ended(bits, first);
                }
                plane.set(block, position, first.number);
                return Ok(bits);
            }
            bits.skip(n_both);
            plane.set(block, position, first.number);
            // Whether there is a second one is anyone's guess: better not to ask.
            position += 1 + usize::from(second.run);
            if position > LAST {
                return ended(bits, second);
            }
            plane.set(block, position, second.number);
            position += usize::from(n_both != n_first);
            if position > LAST {
                return Ok(bits);
            }
        }
    }
}

/// After a step that leads beyond the last place. Sixteen zeros may do so: there
/// is no coefficient that they would put there.
#[inline(always)]
fn ended<'a>(bits: Bits<'a>, step: Step) -> Result<Bits<'a>, Reject> {
    if step.number == 0 {
        Ok(bits)
    } else {
        Err(BROKEN)
    }
}

/// Reads a symbol and its number that take too many bits for one look; of sixteen
/// zeros the last stands for the number.
#[inline(always)]
fn long_step(bits: &mut Bits<'_>, code: &AcCode) -> Result<Step, Reject> {
    let symbol = code.symbol(bits)?;
    let (run, size) = (symbol >> 4, symbol & 15);
    Ok(Step {
        run: if size == 0 && symbol != SIXTEEN_ZEROS {
            Step::END
        } else {
            run
        },
        number: scaled(bits.number(size.into()), 0)?,
    })
}

impl AcBand {
    /// First scan of a band. `run` counts the blocks that end before the band
    /// does, this one included.
    #[inline(always)]
    pub(super) fn first<P: Plane>(
        &self,
        bits: &mut Bits<'_>,
        code: &Code,
        run: &mut u32,
        plane: &mut P,
        block: usize,
    ) -> Result<(), Reject> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let mut position = self.first;
        while position <= self.last {
            bits.refill();
            let symbol = code.symbol(bits)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            if symbol == SIXTEEN_ZEROS {
                position += 16;
            } else if size == 0 {
                *run = end_of_band_run(bits, zeros) - 1;
                break;
            } else {
                position += usize::from(zeros);
                if position > self.last {
                    return Err(BROKEN);
                }
                let value = scaled(bits.number(size.into()), self.low)?;
                plane.set(block, position, value);
                position += 1;
            }
        }
        Ok(())
    }

    /// Later scan of a band: a bit for each coefficient that is set, and the
    /// coefficients that are set only now.
    pub(super) fn refine<P: Plane>(
        &self,
        bits: &mut Bits<'_>,
        code: &Code,
        run: &mut u32,
        plane: &mut P,
        block: usize,
    ) -> Result<(), Reject> {
        let mut position = self.first;
        while *run == 0 && position <= self.last {
            bits.refill();
            let symbol = code.symbol(bits)?;
            let (zeros, size) = (symbol >> 4, symbol & 15);
            let new = match size {
                0 if symbol == SIXTEEN_ZEROS => None,
                0 => {
                    *run = end_of_band_run(bits, zeros);
                    break;
                }
                1 if bits.bit() => Some(scaled(1, self.low)?),
                1 => Some(scaled(-1, self.low)?),
                _ => return Err(BROKEN),
            };
            position = self.refine_set(bits, plane, block, position, Some(zeros))?;
            if let Some(value) = new {
                if position > self.last {
                    return Err(BROKEN);
                }
                plane.set(block, position, value);
            }
            position += 1;
        }
        if *run > 0 {
            self.refine_set(bits, plane, block, position, None)?;
            *run -= 1;
        }
        Ok(())
    }

    /// Reads a bit for each coefficient that is set, up to the one behind
    /// `zeros` that are not, or to the band's end. Returns where that is.
    fn refine_set<P: Plane>(
        &self,
        bits: &mut Bits<'_>,
        plane: &mut P,
        block: usize,
        from: usize,
        zeros: Option<u8>,
    ) -> Result<usize, Reject> {
        let by = scaled(1, self.low)?;
        let mut zeros_left = zeros;
        for position in from..=self.last {
            if plane.is_set(block, position) {
                if bits.bit() {
                    plane.grow(block, position, by)?;
                }
            } else if let Some(left) = &mut zeros_left {
                if *left == 0 {
                    return Ok(position);
                }
                *left -= 1;
            }
        }
        Ok(self.last + 1)
    }
}

/// How many blocks end here, after a code that says so (G.1.2.2).
fn end_of_band_run(bits: &mut Bits<'_>, size: u8) -> u32 {
    let size = u32::from(size);
    (1 << size) + bits.take(size).unsigned_abs()
}
