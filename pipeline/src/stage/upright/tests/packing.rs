//! How large a turned PNG is beside what came.

use ::png::{BitDepth, ColorType, Compression, Encoder};

use super::*;

const SIZE: (u32, u32) = (400, 300);

/// Coloured discs that wander over a gradient, as a drawn animation has them.
fn drawing(n_frames: u32, colour: ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, SIZE.0, SIZE.1);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    if colour == ColorType::Indexed {
        encoder.set_palette(
            (0..=255)
                .flat_map(|it| [it, 255 - it, it / 2])
                .collect::<Vec<u8>>(),
        );
    }
    encoder.set_compression(Compression::Balanced);
    encoder.set_animated(n_frames, 0).expect("frames");
    let mut writer = encoder.write_header().expect("a kind of PNG");
    for time in 0..n_frames {
        let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
        let samples = pixels.flat_map(|(x, y)| shade(x, y, time, colour));
        writer
            .write_image_data(&samples.collect::<Vec<u8>>())
            .expect("a frame");
    }
    writer.finish().expect("a Vec takes it");
    bytes
}

fn shade(x: u32, y: u32, time: u32, colour: ColorType) -> impl Iterator<Item = u8> {
    let disc = (0..12).rfind(|disc| {
        let left = (disc * 53 + time * 3) % SIZE.0;
        let top = (disc * 97 + time * 2) % SIZE.1;
        x.abs_diff(left).pow(2) + y.abs_diff(top).pow(2) < 900
    });
    let grey = u8::try_from((x + 2 * y) / 8 % 256).expect("a byte");
    let [red, green, blue] = disc.map_or([grey; 3], |disc| {
        let hue = u8::try_from(disc * 20).expect("a byte");
        [hue, 255 - hue, 100]
    });
    let n_samples = if colour == ColorType::Indexed { 1 } else { 3 };
    [red, green, blue].into_iter().take(n_samples)
}

#[test]
fn a_turned_drawing_is_not_much_larger_than_what_came() {
    // Below and above what is packed as well as may be.
    for (n_frames, colour) in [
        (12, ColorType::Rgb),
        (12, ColorType::Indexed),
        (200, ColorType::Rgb),
    ] {
        let file = drawing(n_frames, colour);
        let came = file.len();
        let stored = turned(png_with_exif(&file, &exif(3, 6)))
            .expect("turned")
            .bytes
            .len();
        assert!(
            stored <= came * 3 / 2,
            "{n_frames} frames, {colour:?}: {stored} bytes of {came}"
        );
    }
}
