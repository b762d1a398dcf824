//! A QR code as the path of a drawing.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code that readers need to find it.
const QUIET: usize = 4;

/// A code as one drawing.
pub(crate) struct QrDrawing {
    /// Width and height, in modules.
    pub(crate) side: usize,
    /// The dark modules, as an SVG path.
    pub(crate) path: String,
}

/// Draws a text; `None` when it is too long for a code.
pub(super) fn draw(text: &str) -> Option<QrDrawing> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (idx, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (idx % width + QUIET, idx / width + QUIET);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Some(QrDrawing {
        side: width + 2 * QUIET,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_corners_and_its_margin() {
        let drawn = draw("otpauth://totp/x").unwrap();
        assert!(drawn.side >= 21 + 8);
        assert!(
            drawn.path.starts_with("M4 4h1v1h-1z"),
            "the first finder's corner"
        );
        assert!(draw(&"x".repeat(5_000)).is_none());
    }
}
