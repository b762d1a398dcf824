//! What staff see of an image before they ask for more.

use fast_image_resize::FilterType;

use super::card;
use super::shrink::resized;
use crate::stage::decode::Raster;

/// Fields along the longer side. A figure that fills the picture is a shape, a
/// face in it is a spot.
const FIELDS: u32 = 20;

/// The picture as a few fields of grey, in its own size. It is made from their
/// means alone, so that nothing finer can be brought back.
pub(super) fn veiled(picture: &Raster) -> Raster {
    let size = (picture.width, picture.height);
    let longer = size.0.max(size.1).max(1);
    let fields = |side: u32| (side * FIELDS).div_ceil(longer).clamp(1, side.max(1));
    let mut means = resized(
        &card::opaque(picture),
        (fields(size.0), fields(size.1)),
        FilterType::Box,
    );
    for pixel in means.samples.as_chunks_mut::<3>().0 {
        *pixel = [luma(*pixel); 3];
    }
    resized(&means, size, FilterType::Mitchell)
}

/// BT.601, as JPEG has it.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114;
    u8::try_from(sum / 1000).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::decode::Layout;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Raster {
        let at = |index: u32| pixel(index % width, index / width);
        Raster {
            width,
            height,
            layout: Layout::Rgb,
            samples: (0..width * height).flat_map(at).collect(),
        }
    }

    #[test]
    fn only_grey_shapes_are_left() {
        let half = |x: u32, _| match x < 240 {
            true => [200, 40, 40],
            false => [20, 20, 90],
        };
        let veiled = veiled(&picture(480, 320, half));
        assert_eq!((veiled.width, veiled.height), (480, 320));
        let pixels = veiled.samples.as_chunks::<3>().0;
        assert!(pixels.iter().all(|pixel| pixel == &[pixel[0]; 3]));
        let (left, right) = (pixels[480 * 160 + 20][0], pixels[480 * 160 + 460][0]);
        assert!(left > right + 40, "{left} {right}");
    }

    #[test]
    fn a_pattern_as_fine_as_an_eye_is_gone() {
        // A tenth of a field, of the highest contrast.
        let bars = |x: u32, y: u32| match (x / 2 + y / 2) % 2 {
            0 => [0; 3],
            _ => [255; 3],
        };
        let veiled = veiled(&picture(480, 480, bars));
        let (least, most) = (veiled.samples.iter().min(), veiled.samples.iter().max());
        assert!(
            most.zip(least)
                .is_some_and(|(most, least)| most - least < 8)
        );
    }

    #[test]
    fn any_size_will_do() {
        for (width, height) in [(1, 1), (480, 1), (1, 480), (7, 3)] {
            let veiled = veiled(&picture(width, height, |_, _| [9; 3]));
            assert_eq!((veiled.width, veiled.height), (width, height));
        }
    }
}
