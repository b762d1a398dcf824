//! Follows the AC of a progressive picture, remembering only which coefficients
//! are not zero: each of those has a bit in every later scan (T.81, G.1.2).

use super::super::super::Unclean;
use super::bits::Bits;
use super::lengths::Lengths;
use super::picture::Band;
use super::scan::NO_BLOCK;

/// First scan of a band. `run` counts the blocks to come that have nothing in it.
pub(super) fn first(
    band: &Band,
    bits: &mut Bits<'_>,
    table: &Lengths,
    run: &mut u32,
    set: &mut u64,
) -> Result<(), Unclean> {
    if *run > 0 {
        *run -= 1;
        return Ok(());
    }
    let mut next = band.first;
    while next <= band.last {
        bits.ready();
        let symbol = table.symbol(bits)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 && zeros < 15 {
            *run = run_of(bits, zeros) - 1;
            return Ok(());
        }
        next += u32::from(zeros);
        if size > 0 {
            if next > band.last {
                return Err(NO_BLOCK);
            }
            bits.pass(size.into());
            *set |= 1 << next;
        }
        next += 1;
    }
    Ok(())
}

/// Later scan of a band.
pub(super) fn refinement(
    band: &Band,
    bits: &mut Bits<'_>,
    table: &Lengths,
    run: &mut u32,
    set: &mut u64,
) -> Result<(), Unclean> {
    let before = *set;
    let mut next = band.first;
    while *run == 0 && next <= band.last {
        bits.ready();
        let symbol = table.symbol(bits)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        if size == 0 && zeros < 15 {
            *run = run_of(bits, zeros);
            break;
        }
        if size > 1 {
            return Err(NO_BLOCK);
        }
        bits.pass(size.into());
        // The zeros of the run, and the one behind them, are not set yet.
        let mut free = !before & !0 << next;
        for _ in 0..zeros {
            free &= free.wrapping_sub(1);
        }
        let behind = free.trailing_zeros().min(band.last + 1);
        bits.pass_many(n_set(before, next, behind));
        if size == 1 {
            if behind > band.last {
                return Err(NO_BLOCK);
            }
            *set |= 1 << behind;
        }
        next = behind + 1;
    }
    if *run > 0 {
        *run -= 1;
        bits.pass_many(n_set(before, next, band.last + 1));
    }
    Ok(())
}

/// How many of the coefficients from `from` to before `to` are set.
fn n_set(set: u64, from: u32, to: u32) -> u32 {
    let not_before = (!0_u64).checked_shl(from).unwrap_or(0);
    let behind = (!0_u64).checked_shl(to).unwrap_or(0);
    (set & not_before & !behind).count_ones()
}

/// How many blocks end here, after a code that says so.
fn run_of(bits: &mut Bits<'_>, size: u8) -> u32 {
    let size = u32::from(size);
    (1 << size) + bits.number(size)
}
