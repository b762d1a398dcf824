//! JPEG, turned without loss where its size allows.

mod reencode;

use super::orientation::Orientation;
use crate::error::Reject;
use crate::item::Pixels;
use crate::stage::jpeg_coefficients::{self, Turn};

/// Turns the coefficients of the file. Where that is impossible, or the file is
/// of a kind that only the pixels' decoder can read, `turned`, the picture that
/// has been decoded and turned already, is encoded.
pub(super) fn turn(
    bytes: &[u8],
    orientation: Orientation,
    turned: &Pixels,
) -> Result<Vec<u8>, Reject> {
    match jpeg_coefficients::turned(bytes, turn_of(orientation)) {
        Ok(Some(lossless)) => Ok(lossless),
        Ok(None) | Err(_) => reencode::turn(bytes, orientation, turned),
    }
}

/// An orientation in terms of the stored picture's rows and columns.
fn turn_of(orientation: Orientation) -> Turn {
    use Orientation::{
        HalfTurn, MirrorAcross, MirrorDown, QuarterTurnLeft, QuarterTurnRight, Transverse,
    };
    Turn {
        columns_reversed: matches!(
            orientation,
            MirrorAcross | HalfTurn | Transverse | QuarterTurnLeft
        ),
        rows_reversed: matches!(
            orientation,
            HalfTurn | MirrorDown | QuarterTurnRight | Transverse
        ),
        transposed: orientation.swaps_sides(),
    }
}
