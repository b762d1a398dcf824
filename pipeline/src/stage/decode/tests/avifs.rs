use super::*;
use crate::stage::testing::{AvifDraft, AvifItem, AvifKind, avif_coded, avif_of_kind};

fn first(bytes: &[u8]) -> Raster {
    let limits = Limits::default();
    let sniffed = sniff(
        Upload {
            bytes: bytes.into(),
        },
        &limits,
    )
    .unwrap();
    first_picture(bytes, sniffed.format, sniffed.header, &limits).unwrap()
}

fn alphas(raster: &Raster) -> Vec<u8> {
    let channels = raster.layout.channels();
    raster
        .samples
        .iter()
        .skip(channels - 1)
        .step_by(channels)
        .copied()
        .collect()
}

/// 255 at the left, 0 at the right.
fn falling(width: u32, height: u32) -> Vec<u8> {
    let level = |x: u32| u8::try_from((width - 1 - x) * 255 / (width - 1)).unwrap();
    (0..height).flat_map(|_| (0..width).map(level)).collect()
}

#[test]
fn every_depth_and_chroma_shows_the_gradient() {
    // What the encoder lost; without loss nothing may differ.
    for (kind, tolerance) in [
        (AvifKind::Lossless, 0),
        (AvifKind::EightBit420, 16),
        (AvifKind::TenBit444, 4),
        (AvifKind::TwelveBit422, 12),
        (AvifKind::Alpha, 4),
        (AvifKind::Turned, 4),
        (AvifKind::Grain, 40),
        (AvifKind::Grid, 8),
    ] {
        let pixels = still(&avif_of_kind(kind));
        assert_shows_gradient(&format!("{kind:?}"), &pixels, tolerance);
    }
}

#[test]
fn grey_stays_grey() {
    let raster = first(&avif_of_kind(AvifKind::Grey));
    assert_eq!(raster.layout, Layout::Grey);
    let green: Vec<u8> = testing::gradient(40, 24)
        .into_iter()
        .skip(1)
        .step_by(3)
        .collect();
    assert!(distance(&raster.samples, &green) <= 3);
}

#[test]
fn alpha_is_kept_apart_from_colour() {
    for (kind, side) in [(AvifKind::Alpha, (40, 24)), (AvifKind::Grid, (128, 128))] {
        let raster = first(&avif_of_kind(kind));
        assert_eq!(raster.layout, Layout::Rgba, "{kind:?}");
        assert_eq!(alphas(&raster), falling(side.0, side.1), "{kind:?}");
    }
}

#[test]
fn multiplied_colours_are_divided_again() {
    let raster = first(&avif_of_kind(AvifKind::Premultiplied));
    assert_eq!(alphas(&raster), falling(40, 24));
    let (pixels, _) = raster.samples.as_chunks::<4>();
    let gradient = testing::gradient(40, 24);
    let (expected, _) = gradient.as_chunks::<3>();
    // The fainter the pixel, the less is left of its colour.
    for ([red, green, blue, alpha], expected) in pixels.iter().zip(expected) {
        if *alpha > 127 {
            assert!(distance(&[*red, *green, *blue], expected) <= 12);
        }
    }
}

#[test]
fn hdr_is_brought_to_srgb() {
    let raster = first(&avif_of_kind(AvifKind::Pq));
    let (pixels, _) = raster.samples.as_chunks::<3>();
    // Grey levels of PQ: black, then 203 cd/m2 at 58 % and more.
    assert!(pixels[0].iter().all(|level| *level < 8), "{:?}", pixels[0]);
    let last = pixels[pixels.len() - 1];
    assert!(last.iter().all(|level| *level > 247), "{last:?}");
}

#[test]
fn film_grain_is_applied() {
    let with = still(&avif_of_kind(AvifKind::Grain));
    let gradient = testing::gradient(40, 24);
    assert!(distance(&with.rgb, &gradient) > 8);
}

#[test]
fn a_still_from_an_animation_decodes() {
    let coded = avif_coded(&avif_of_kind(AvifKind::Sequence), false);
    let file = AvifDraft::of(vec![AvifItem::picture(coded, 40, 24)]).write();
    assert_shows_gradient("first frame", &still(&file), 8);
}

#[test]
fn tiles_join_without_a_seam() {
    let grid = still(&avif_of_kind(AvifKind::Grid));
    let (pixels, _) = grid.rgb.as_chunks::<3>();
    let pixel = |x: usize, y: usize| pixels[y * 128 + x];
    for along in 0..128 {
        for (a, b) in [
            (pixel(63, along), pixel(64, along)),
            (pixel(along, 63), pixel(along, 64)),
        ] {
            assert!(distance(&a, &b) <= 8, "{along}: {a:?} {b:?}");
        }
    }
}

#[test]
fn every_turn_is_taken() {
    let coded = avif_coded(&avif_of_kind(AvifKind::Lossless), false);
    let stored = testing::gradient(40, 24);
    let (stored, _) = stored.as_chunks::<3>();
    for turns in 0..4_u8 {
        for mirror in [None, Some(0_u8), Some(1)] {
            let mut item = AvifItem::picture(coded.clone(), 40, 24);
            item.properties.push((*b"irot", vec![turns], true));
            item.properties
                .extend(mirror.map(|axis| (*b"imir", vec![axis], true)));
            let shown = still(&AvifDraft::of(vec![item]).write());
            // Turned one quarter at a time, then mirrored, by the words of the
            // standard.
            let (mut width, mut height, mut expected) = (40, 24, stored.to_vec());
            for _ in 0..turns {
                expected = (0..width)
                    .flat_map(|y| {
                        let (expected, column) = (&expected, width - 1 - y);
                        (0..height).map(move |x| expected[x * width + column])
                    })
                    .collect();
                (width, height) = (height, width);
            }
            match mirror {
                Some(0) => {
                    expected = expected.chunks(width).rev().flatten().copied().collect();
                }
                Some(_) => expected.chunks_mut(width).for_each(<[_]>::reverse),
                None => {}
            }
            assert_eq!(
                (shown.width as usize, shown.height as usize),
                (width, height)
            );
            assert!(shown.rgb == expected.concat(), "{turns} {mirror:?}");
        }
    }
}

#[test]
fn coded_data_that_is_not_a_picture_is_damage() {
    let coded = avif_coded(&avif_of_kind(AvifKind::EightBit420), false);
    let frame = coded.iter().position(|byte| *byte == 0x32).unwrap();
    let cut = [&coded[..frame], &testing::avif_unit(6, &[0x10])].concat();
    let twice = [&coded[..], &testing::avif_unit(4, &[0; 9])].concat();
    for broken in [cut, twice] {
        let file = AvifDraft::of(vec![AvifItem::picture(broken, 40, 24)]).write();
        let code = frames(&file).map(|frames| frames.len()).unwrap_err().code();
        assert_eq!(code, "malformed-image");
    }
}
