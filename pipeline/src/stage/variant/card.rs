//! Cards for the previews of links: opaque, in one size, whatever the picture.

use fast_image_resize::FilterType;

use super::shrink::resized;
use crate::stage::decode::{Layout, Raster};

/// All that a blurred card knows of its picture: the mean colours of so many
/// fields. A face that fills the picture is three fields wide.
const FIELDS: (u32, u32) = (8, 4);

/// Grounds for what shines through: the one that sets it off is taken.
const LIGHT: [u8; 3] = [255; 3];
const DARK: [u8; 3] = [24; 3];

/// Luma from which a colour is light.
const LIGHT_FROM: u32 = 140;

/// The picture in the middle of a card that it fits into.
pub(super) fn placed(picture: &Raster, (width, height): (u32, u32)) -> Raster {
    let mut card = plain((width, height), ground(picture));
    let left = width.saturating_sub(picture.width) / 2;
    let top = height.saturating_sub(picture.height) / 2;
    paint(&mut card, picture, (left, top));
    card
}

/// A card in the picture's colours. It is made from the means of a few fields
/// alone, so that nothing finer can be brought back.
pub(super) fn blurred(picture: &Raster, size: (u32, u32)) -> Raster {
    let fields = resized(&opaque(picture), FIELDS, FilterType::Box);
    resized(&fields, size, FilterType::Mitchell)
}

/// The picture over its ground.
pub(super) fn opaque(picture: &Raster) -> Raster {
    let mut opaque = plain((picture.width, picture.height), ground(picture));
    paint(&mut opaque, picture, (0, 0));
    opaque
}

/// What lies around and behind a picture: its own mean colour, or, where
/// something shines through, the ground that it stands out from.
fn ground(picture: &Raster) -> [u8; 3] {
    let mean = resized(picture, (1, 1), FilterType::Box).samples;
    let [red, green, blue] = *mean
        .first_chunk()
        .expect("a picture of one pixel has three samples");
    let is_opaque = match picture.layout {
        Layout::Rgba => picture
            .samples
            .as_chunks::<4>()
            .0
            .iter()
            .all(|&[_, _, _, alpha]| alpha == u8::MAX),
        _ => true,
    };
    let luma = (u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000;
    match is_opaque {
        true => [red, green, blue],
        false if luma >= LIGHT_FROM => DARK,
        false => LIGHT,
    }
}

fn plain((width, height): (u32, u32), colour: [u8; 3]) -> Raster {
    let n_pixels = usize::try_from(u64::from(width) * u64::from(height))
        .expect("no larger than a picture that is in memory or a card");
    Raster {
        width,
        height,
        layout: Layout::Rgb,
        samples: colour.repeat(n_pixels),
    }
}

/// Lays `picture` over `card` with its upper left corner at `left`, `top`.
fn paint(card: &mut Raster, picture: &Raster, (left, top): (u32, u32)) {
    let channels = picture.layout.channels();
    let [card_row, picture_row, left, top] =
        [card.width, picture.width, left, top].map(|px| px.try_into().unwrap_or(usize::MAX));
    let rows = card.samples.chunks_exact_mut(card_row * 3).skip(top);
    for (under, over) in rows.zip(picture.samples.chunks_exact(picture_row * channels)) {
        let (under, _) = under[left * 3..].as_chunks_mut::<3>();
        match picture.layout {
            Layout::Rgba => {
                for (under, over) in under.iter_mut().zip(over.as_chunks::<4>().0) {
                    *under = blended(*under, *over);
                }
            }
            _ => {
                for (under, over) in under.iter_mut().zip(over.as_chunks::<3>().0) {
                    *under = *over;
                }
            }
        }
    }
}

fn blended(under: [u8; 3], [red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let mix = |under: u8, over: u8| {
        let (alpha, rest) = (u32::from(alpha), u32::from(u8::MAX - alpha));
        let sum = u32::from(over) * alpha + u32::from(under) * rest;
        u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
    };
    [
        mix(under[0], red),
        mix(under[1], green),
        mix(under[2], blue),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (1200, 630);

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Raster {
        let at = |index: u32| pixel(index % width, index / width);
        Raster {
            width,
            height,
            layout: Layout::Rgb,
            samples: (0..width * height).flat_map(at).collect(),
        }
    }

    fn pixel(card: &Raster, x: u32, y: u32) -> [u8; 3] {
        let index = usize::try_from(y * card.width + x).unwrap();
        card.samples.as_chunks::<3>().0[index]
    }

    /// Mean square of the steps between neighbours in a row: what an eye or a
    /// programme would read a pattern from.
    fn energy(raster: &Raster) -> f64 {
        let row = usize::try_from(raster.width * 3).unwrap();
        let steps = raster.samples.chunks_exact(row).flat_map(|row| {
            row.iter()
                .zip(&row[3..])
                .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2))
        });
        steps.clone().sum::<f64>() / f64::from(u32::try_from(steps.count()).unwrap())
    }

    #[test]
    fn the_whole_picture_stands_in_the_middle_as_it_is() {
        let given = picture(40, 20, |x, y| [u8::try_from(x + y).unwrap(), 0, 200]);
        let card = placed(&given, SIZE);
        assert_eq!((card.width, card.height), SIZE);
        for (x, y) in [(0, 0), (39, 19), (13, 7)] {
            assert_eq!(pixel(&card, 580 + x, 305 + y), pixel(&given, x, y));
        }
        let mean = [28, 0, 200];
        for (x, y) in [(0, 0), (579, 305), (620, 310), (1199, 629)] {
            let found = pixel(&card, x, y);
            let distance = mean.iter().zip(found).map(|(a, b)| b.abs_diff(*a)).max();
            assert!(distance <= Some(2), "{found:?}");
        }
    }

    #[test]
    fn what_shines_through_stands_out_from_its_ground() {
        let drawn = |grey: u8| Raster {
            width: 2,
            height: 1,
            layout: Layout::Rgba,
            samples: vec![grey, grey, grey, 255, 9, 9, 9, 0],
        };
        let dark = placed(&drawn(10), (4, 1));
        assert_eq!(dark.samples, [LIGHT, [10; 3], LIGHT, LIGHT].concat());
        let light = placed(&drawn(250), (4, 1));
        assert_eq!(light.samples, [DARK, [250; 3], DARK, DARK].concat());
    }

    #[test]
    fn blurring_leaves_no_pattern_to_recognise() {
        // Bars of the highest contrast, from as fine as pixels to a twelfth of
        // the picture's width.
        for bar in [1, 4, 16, 50, 100] {
            let given = picture(1200, 630, |x, y| match (x / bar + y / bar) % 2 {
                0 => [0; 3],
                _ => [255; 3],
            });
            let card = blurred(&given, SIZE);
            let left = energy(&card) / energy(&given);
            assert!(left < 1e-3, "bars of {bar}: {left} of the energy is left");
        }
    }

    #[test]
    fn a_blurred_card_depends_on_the_means_of_its_fields_alone() {
        let fields = |x: u32, y: u32| (x / 150 * 31 % 97, y / 157 * 57 % 83);
        let smooth = |x, y| {
            let (red, green) = fields(x, y);
            [
                u8::try_from(60 + red).unwrap(),
                u8::try_from(60 + green).unwrap(),
                90,
            ]
        };
        // A secret in every field that leaves its mean as it is.
        let secret = |x: u32, y: u32| {
            let [red, green, blue] = smooth(x, y);
            match (x / 15) % 2 {
                0 => [red + 60, green - 60, blue + 60],
                _ => [red - 60, green + 60, blue - 60],
            }
        };
        let (open, hidden) = (picture(1200, 628, smooth), picture(1200, 628, secret));
        let (open, hidden) = (blurred(&open, SIZE), blurred(&hidden, SIZE));
        let worst = open
            .samples
            .iter()
            .zip(&hidden.samples)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst <= Some(2), "{worst:?}");
        let colours = open.samples.iter().max().zip(open.samples.iter().min());
        assert!(
            colours.is_some_and(|(most, least)| most - least > 40),
            "the colours are still there"
        );
    }
}
