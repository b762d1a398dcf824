//! What shines through a transparent picture.

/// Blends as browsers do: on the 8-bit values as they are stored, not on light.
pub(super) fn blend_with_black(rgb: &mut [u8], alpha: &[u8]) {
    for (colour, &alpha) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
        *colour = colour.map(|sample| {
            let product = u16::from(sample) * u16::from(alpha);
            // Never more than 255: both factors are bytes.
            u8::try_from((product + 127) / 255).unwrap_or(u8::MAX)
        });
    }
}

/// White behind adds the same whole number to every sample that black behind
/// leaves out, so that no second copy of the colours is needed.
pub(super) fn turn_black_to_white(blended: &mut [u8], alpha: &[u8]) {
    for (colour, &alpha) in blended.as_chunks_mut::<3>().0.iter_mut().zip(alpha) {
        *colour = colour.map(|sample| sample.saturating_add(u8::MAX - alpha));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_behind_rounds_as_if_it_were_blended_at_once() {
        for sample in 0..=255_u8 {
            for alpha in 0..=255_u8 {
                let mut rgb = [sample; 3];
                blend_with_black(&mut rgb, &[alpha]);
                turn_black_to_white(&mut rgb, &[alpha]);
                let (sample, alpha) = (u32::from(sample), u32::from(alpha));
                let direct = (sample * alpha + 255 * (255 - alpha) + 127) / 255;
                assert_eq!(u32::from(rgb[0]), direct, "{sample} at {alpha}");
            }
        }
    }
}
