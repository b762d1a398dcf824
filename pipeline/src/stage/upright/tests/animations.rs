//! Animations stored sideways: what every frame shows is compared with what it
//! showed before, moved by the words of the Exif standard.

use std::ops::ControlFlow;

use ::png::{BitDepth, BlendOp, ColorType, DisposeOp};

use super::*;
use crate::item::Clean;
use crate::stage::colour::colour;
use crate::stage::decode::{Picture, play};
use crate::stage::scrub::fixtures::{MARKER, has_marker, profile, with_chunks};
use crate::stage::scrub::scrub;
use crate::stage::sniff::webp::{AnimationFrame, Chunks};
use crate::stage::testing::{PngFrame, apng, hold_to_promises, webp_lossy, webp_lossy_with_alpha};

/// An odd canvas, so that whatever is mirrored in it changes the parity of its offset.
const ODD: (u32, u32) = (47, 31);
const EVEN: (u32, u32) = (46, 32);

/// Every picture that a file shows, RGBA, with the still beside an animation.
fn shown(file: &[u8]) -> Vec<((u32, u32), Vec<u8>)> {
    let limits = Limits::default();
    let upload = Upload { bytes: file.into() };
    let Sniffed { format, header, .. } = sniff(upload, &limits).expect("sniffed");
    let size = (header.width, header.height);
    let mut pictures = Vec::new();
    play(file, format, header, &limits, &mut |picture| {
        pictures.push(match picture {
            Picture::Whole(raster) => ((raster.width, raster.height), raster.samples),
            Picture::Composed(canvas) => (size, canvas.shown().as_flattened().to_vec()),
        });
        ControlFlow::Continue(())
    })
    .expect("played");
    pictures
}

/// The file as it is stored when it comes with the orientation.
fn stored(file: &[u8], orientation: u16) -> Vec<u8> {
    let block = [exif(3, orientation), MARKER.to_vec()].concat();
    let sideways = if file.starts_with(b"RIFF") {
        webp_with_exif(file, &block)
    } else {
        png_with_exif(file, &block)
    };
    assert!(has_marker(&sideways));
    let upright = turned(sideways).expect("turned");
    let (header, n_sampled) = (upright.header, upright.frames.len());
    let Clean {
        scrubbed, frames, ..
    } = scrub(colour(upright).expect("coloured")).expect("scrubbed");
    let bytes = scrubbed.bytes().to_vec();
    assert!(!has_marker(&bytes));
    assert_eq!(hold_to_promises(&bytes, &Limits::default()), Ok(()));
    let again = decoded(bytes.clone());
    assert_eq!((scrubbed.header(), again.sniffed.header), (header, header));
    // Cells that are compared to choose frames may lie differently after a turn.
    assert_eq!(frames.len(), n_sampled);
    for frame in frames.iter().filter(|_| header.frames <= 3) {
        assert!(again.frames.contains(frame), "not what is classified");
    }
    bytes
}

/// Turns the file in every way and compares what each of its pictures shows.
fn compare(name: &str, file: &[u8]) -> Vec<Vec<u8>> {
    let before = shown(file);
    let turn = |orientation: u16| {
        let after = stored(file, orientation);
        let pictures = shown(&after);
        assert_eq!(pictures.len(), before.len(), "{name}, {orientation}");
        for (frame_idx, (was, is)) in before.iter().zip(&pictures).enumerate() {
            let (size, samples) = was;
            let area = usize::try_from(size.0 * size.1).expect("small");
            let expected = moved(samples, samples.len() / area, *size, orientation);
            assert!(*is == expected, "{name}, {orientation}, frame {frame_idx}");
        }
        after
    };
    (1..=8).map(turn).collect()
}

/// Samples that no turn leaves as they are.
fn noise(length: usize, seed: u32) -> impl Iterator<Item = u8> + Clone {
    let next = |state: &mut u32| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    };
    (0..length).scan(seed, move |state, _| next(state))
}

fn pixels_of([_, _, width, height]: [u32; 4]) -> usize {
    usize::try_from(width * height).expect("small")
}

/// Noise in which each pixel is opaque, half transparent or transparent.
fn rgba(area: [u32; 4], seed: u32) -> Vec<u8> {
    let mut samples: Vec<u8> = noise(4 * pixels_of(area), seed).collect();
    for alpha in samples.iter_mut().skip(3).step_by(4) {
        *alpha = [0, 100, 255][usize::from(*alpha % 3)];
    }
    samples
}

/// One frame of an APNG: where it lies, how it blends, what becomes of it.
type ApngFrame = ([u32; 4], BlendOp, DisposeOp);

const fn apng_frames((width, height): (u32, u32)) -> [ApngFrame; 7] {
    use BlendOp::{Over, Source};
    use DisposeOp::{Background, None, Previous};
    [
        ([0, 0, width, height], Source, None),
        ([1, 3, 7, 9], Source, Background),
        ([5, 2, 20, 11], Over, Previous),
        ([9, 9, 1, 1], Source, None),
        ([0, 5, 30, 26], Over, Background),
        ([width - 3, height - 2, 3, 2], Source, Previous),
        ([3, 0, width - 3, height], Over, None),
    ]
}

fn apng_of_noise(
    color: ColorType,
    depth: BitDepth,
    size: (u32, u32),
    transparency: Option<Vec<u8>>,
    still_apart: bool,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        let entries = 3 << (depth as u8);
        encoder.set_palette(noise(entries, 77).collect::<Vec<u8>>());
    }
    if let Some(transparency) = transparency {
        encoder.set_trns(transparency);
    }
    encoder.set_animated(7, 5).expect("frames");
    encoder.set_sep_def_img(still_apart).expect("animated");
    let mut writer = encoder.write_header().expect("a kind of PNG");
    let bits = color.samples() * depth as usize;
    let samples = |[_, _, width, height]: [u32; 4], seed: u32| -> Vec<u8> {
        if (color, depth) == (ColorType::Rgba, BitDepth::Eight) {
            return rgba([0, 0, width, height], seed);
        }
        let row = (usize::try_from(width).expect("small") * bits).div_ceil(8);
        noise(row * usize::try_from(height).expect("small"), seed).collect()
    };
    if still_apart {
        let still = samples([0, 0, size.0, size.1], 99);
        writer.write_image_data(&still).expect("the still");
    }
    for (seed, (area, blend, dispose)) in (0..).zip(apng_frames(size)) {
        writer.reset_frame_position().expect("animated");
        writer.set_frame_dimension(area[2], area[3]).expect("fits");
        writer.set_frame_position(area[0], area[1]).expect("fits");
        let delay = u16::try_from(seed).expect("small");
        writer.set_frame_delay(delay + 1, 30).expect("animated");
        writer.set_blend_op(blend).expect("animated");
        writer.set_dispose_op(dispose).expect("animated");
        writer.write_image_data(&samples(area, seed)).expect("fits");
    }
    writer.finish().expect("a Vec takes it");
    bytes
}

/// Delay, blending, disposal and place of a frame.
type ApngControl = (u16, u16, BlendOp, DisposeOp, [u32; 4]);

/// How often an APNG plays, and its frames.
fn apng_controls(file: &[u8]) -> (u32, Vec<ApngControl>) {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(file));
    reader.set_transformations(::png::Transformations::IDENTITY);
    let mut reader = reader.read_info().expect("a PNG");
    let animation = reader.info().animation_control.expect("an APNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("small")];
    let mut controls = Vec::new();
    if reader.info().frame_control.is_none() {
        reader.next_frame(&mut samples).expect("the still");
    }
    for _ in 0..animation.num_frames {
        reader.next_frame(&mut samples).expect("a frame");
        let control = reader.info().frame_control.expect("a frame");
        controls.push((
            control.delay_num,
            control.delay_den,
            control.blend_op,
            control.dispose_op,
            [
                control.x_offset,
                control.y_offset,
                control.width,
                control.height,
            ],
        ));
    }
    (animation.num_plays, controls)
}

#[test]
fn every_kind_of_apng_is_turned_frame_by_frame() {
    for (color, depth, transparency) in [
        (ColorType::Rgba, BitDepth::Eight, None),
        (ColorType::Rgba, BitDepth::Sixteen, None),
        (ColorType::Rgb, BitDepth::Eight, None),
        (
            ColorType::Rgb,
            BitDepth::Eight,
            Some(vec![0, 9, 0, 200, 0, 31]),
        ),
        (ColorType::Rgb, BitDepth::Sixteen, None),
        (ColorType::Grayscale, BitDepth::One, Some(vec![0, 1])),
        (ColorType::Grayscale, BitDepth::Two, None),
        (ColorType::Grayscale, BitDepth::Eight, Some(vec![0, 200])),
        (ColorType::Grayscale, BitDepth::Sixteen, None),
        (ColorType::GrayscaleAlpha, BitDepth::Eight, None),
        (ColorType::Indexed, BitDepth::One, Some(vec![0])),
        (
            ColorType::Indexed,
            BitDepth::Four,
            Some(vec![0, 90, 255, 0]),
        ),
        (ColorType::Indexed, BitDepth::Eight, None),
    ] {
        let name = format!("{color:?} {depth:?}");
        for (size, still_apart) in [(ODD, false), (EVEN, true)] {
            let plain = apng_of_noise(color, depth, size, transparency.clone(), still_apart);
            for (orientation, file) in (1..).zip(compare(&name, &plain)) {
                assert_eq!(file[24..26], plain[24..26], "depth and colour type");
                assert_same_course(&plain, &file, size, orientation);
            }
        }
    }
}

/// Everything but the place of frames is as it was, and that is turned.
fn assert_same_course(before: &[u8], after: &[u8], (width, height): (u32, u32), orientation: u16) {
    let (plays, controls) = apng_controls(before);
    let (plays_after, controls_after) = apng_controls(after);
    assert_eq!(plays_after, plays);
    for (was, is) in controls.iter().zip(&controls_after) {
        assert_eq!((is.0, is.1, is.2, is.3), (was.0, was.1, was.2, was.3));
        let mut mask = vec![0; usize::try_from(width * height).expect("small")];
        let [left, top, columns, rows] = was.4;
        for y in top..top + rows {
            let at = usize::try_from(y * width + left).expect("small");
            mask[at..at + usize::try_from(columns).expect("small")].fill(1);
        }
        let ((width, _), mask) = moved(&mask, 1, (width, height), orientation);
        let first = mask
            .iter()
            .position(|inside| *inside == 1)
            .expect("a place");
        let first = u32::try_from(first).expect("small");
        let turned = if orientation < 5 {
            [columns, rows]
        } else {
            [rows, columns]
        };
        let place = [first % width, first / width, turned[0], turned[1]];
        assert_eq!(is.4, place, "{orientation}");
    }
}

#[test]
fn an_interlaced_apng_is_turned_at_few_bits_too() {
    for depth in [1_u8, 2, 4, 8] {
        let plain = interlaced_apng(ODD, depth);
        for file in compare(&format!("interlaced, {depth} bits"), &plain) {
            assert_eq!(file[24], depth);
        }
    }
}

/// Two frames of grey noise, the second a part of the canvas.
fn interlaced_apng(size: (u32, u32), depth: u8) -> Vec<u8> {
    let control = |sequence: u32, [left, top, width, height]: [u32; 4]| {
        let fields = [sequence, width, height, left, top];
        let mut data = fields.map(u32::to_be_bytes).concat();
        data.extend_from_slice(&[0, 1, 0, 9, 0, 0]);
        png_chunk(b"fcTL", &data)
    };
    let sides = [size.0.to_be_bytes(), size.1.to_be_bytes()].concat();
    let part = [3, 5, 21, 13];
    [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        png_chunk(b"IHDR", &[&sides[..], &[depth, 0, 0, 0, 1]].concat()),
        png_chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 3]),
        control(0, [0, 0, size.0, size.1]),
        png_chunk(b"IDAT", &adam7(size, depth, 1)),
        control(1, part),
        png_chunk(
            b"fdAT",
            &[&[0, 0, 0, 2], &adam7((part[2], part[3]), depth, 2)[..]].concat(),
        ),
        png_chunk(b"IEND", &[]),
    ]
    .concat()
}

/// Noise in the seven passes of PNG 8.2, one sample a pixel.
fn adam7((width, height): (u32, u32), depth: u8, seed: u32) -> Vec<u8> {
    use std::io::Write;
    const PASSES: [[u32; 4]; 7] = [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
    ];
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    for (pass_idx, [left, top, across, down]) in (0..).zip(PASSES) {
        let columns = width.saturating_sub(left).div_ceil(across);
        let rows = height.saturating_sub(top).div_ceil(down);
        let row_bytes = usize::try_from((columns * u32::from(depth)).div_ceil(8)).expect("small");
        for row in 0..rows * u32::from(columns > 0) {
            zlib.write_all(&[0]).expect("a Vec takes it");
            let samples: Vec<u8> = noise(row_bytes, seed * 1_000 + pass_idx * 100 + row).collect();
            zlib.write_all(&samples).expect("a Vec takes it");
        }
    }
    zlib.finish().expect("a Vec takes it")
}

/// One frame of an animated WebP: its place, flags, and the chunks of its picture.
struct Anmf {
    area: [u32; 4],
    flags: u8,
    chunks: Vec<u8>,
}

const DISPOSES: u8 = 1;
const REPLACES: u8 = 2;

fn lossless(area: [u32; 4], flags: u8, seed: u32) -> Anmf {
    let mut still = Vec::new();
    WebPEncoder::new(&mut still)
        .encode(&rgba(area, seed), area[2], area[3], WebpColour::Rgba8)
        .expect("memory");
    Anmf {
        area,
        flags,
        chunks: still[12..].to_vec(),
    }
}

fn webp_of(frames: &[Anmf], (width, height): (u32, u32)) -> Vec<u8> {
    let u24 = |value: u32| value.to_le_bytes()[..3].to_vec();
    let canvas = [vec![0b1_0010, 0, 0, 0], u24(width - 1), u24(height - 1)].concat();
    let mut body = [
        b"WEBP".to_vec(),
        webp_chunk(b"VP8X", &canvas),
        webp_chunk(b"ANIM", &[1, 2, 3, 4, 7, 1]),
    ]
    .concat();
    for (frame_idx, frame) in (0..).zip(frames) {
        let [left, top, width, height] = frame.area;
        let numbers = [left / 2, top / 2, width - 1, height - 1, 100 + frame_idx];
        let head = numbers.map(u24).concat();
        body.extend(webp_chunk(
            b"ANMF",
            &[&head[..], &[frame.flags], &frame.chunks].concat(),
        ));
    }
    webp_chunk(b"RIFF", &body)
}

/// Loops, and the frames of an animated WebP.
fn course(file: &[u8]) -> (Vec<u8>, Vec<AnimationFrame<'_>>) {
    let (mut loops, mut frames) = (Vec::new(), Vec::new());
    for chunk in Chunks::of_file(file).expect("a WebP") {
        let (name, data) = chunk.expect("whole");
        match &name {
            b"ANIM" => loops = data[4..].to_vec(),
            b"ANMF" => frames.push(AnimationFrame::parse(data).expect("a frame")),
            _ => {}
        }
    }
    (loops, frames)
}

/// Lossless and lossy frames, with every way to blend and to dispose. `odd` is
/// added to sides, so that a frame may end at an odd distance from the other side.
fn webp_frames((width, height): (u32, u32), odd: u32) -> Vec<Anmf> {
    let lossy = |chunks: &[u8], flags| Anmf {
        area: [2, 4, 40, 24],
        flags,
        chunks: chunks.to_vec(),
    };
    // The extended header belongs to the file, not to its picture.
    let with_alpha = &webp_lossy_with_alpha()[12 + 18..];
    vec![
        lossless([0, 0, width, height], REPLACES, 1),
        lossless([2, 6, 8 + odd, 10 + odd], REPLACES | DISPOSES, 2),
        lossy(with_alpha, 0),
        lossless([4, 0, 20, 14 + odd], DISPOSES, 3),
        lossy(&webp_lossy()[12..], REPLACES | DISPOSES),
        lossy(with_alpha, DISPOSES),
        lossless([6, 2, 30 + odd, 20], 0, 4),
    ]
}

#[test]
fn a_webp_whose_frames_fit_is_turned_frame_by_frame() {
    let plain = webp_of(&webp_frames(EVEN, 0), EVEN);
    let (loops, frames) = course(&plain);
    for file in compare("webp of even frames", &plain) {
        let (loops_after, after) = course(&file);
        assert_eq!(loops_after, loops);
        assert_eq!(after.len(), frames.len());
        for (was, is) in frames.iter().zip(after) {
            assert_eq!(
                (is.duration_ms, is.blends, is.disposes),
                (was.duration_ms, was.blends, was.disposes)
            );
            assert_eq!(is.width * is.height, was.width * was.height);
        }
    }
}

#[test]
fn a_webp_whose_frames_would_not_fit_shows_the_same() {
    for (name, size, odd) in [("odd canvas", ODD, 0), ("odd frames", EVEN, 1)] {
        let mut frames = webp_frames(size, odd);
        // One that shows what was there.
        frames.push(lossless([0, 0, 2, 2], 0, 5));
        frames.push(lossless([0, 0, 2, 2], 0, 5));
        let plain = webp_of(&frames, size);
        let (loops, frames) = course(&plain);
        for file in compare(name, &plain) {
            let (loops_after, after) = course(&file);
            assert_eq!(loops_after, loops);
            let durations = |frames: &[AnimationFrame<'_>]| -> Vec<u32> {
                frames.iter().map(|frame| frame.duration_ms).collect()
            };
            assert_eq!(durations(&after), durations(&frames));
        }
    }
}

#[test]
fn an_animation_of_one_frame_is_turned_too() {
    let webp = webp_of(&[lossless([2, 2, 9, 7], 0, 1)], ODD);
    compare("webp of one frame", &webp);
    let [frame, ..] = PngFrame::plain_colours(9, 5);
    let apng = apng(&[frame], (9, 5), false);
    compare("apng of one frame", &apng);
}

#[test]
fn the_profile_of_an_animation_is_replaced_as_before() {
    let plain = webp_of(&webp_frames(EVEN, 1), EVEN);
    let canvas_end = 12 + 8 + 10;
    let mut body = [
        &plain[8..canvas_end],
        &webp_chunk(b"ICCP", &profile()),
        &plain[canvas_end..],
    ]
    .concat();
    body[12] |= 0x20;
    let with_profile = webp_chunk(b"RIFF", &body);
    for file in compare("webp with a profile", &with_profile) {
        assert!(file[20] & 0x20 != 0);
    }
    let apng = apng_of_noise(ColorType::Rgb, BitDepth::Eight, ODD, None, false);
    let with_code_points = with_chunks(&apng, &png_chunk(b"cICP", &[12, 13, 0, 1]));
    for file in compare("apng with a profile", &with_code_points) {
        assert!(file.windows(4).any(|name| name == b"iCCP"));
    }
}

#[test]
fn an_animation_that_grows_too_large_is_refused() {
    let webp = webp_of(&webp_frames(ODD, 0), ODD);
    let apng = apng_of_noise(ColorType::Rgb, BitDepth::Eight, ODD, None, false);
    let turn = |file: &[u8], bytes_max| {
        let header = decoded(file.to_vec()).sniffed.header;
        let orientation = Orientation::QuarterTurnLeft;
        if file.starts_with(b"RIFF") {
            webp_animation::turn(file, header, orientation, bytes_max)
        } else {
            super::png::turn(file, header, orientation, bytes_max)
        }
    };
    for file in [webp, apng] {
        let whole = turn(&file, usize::MAX).expect("turned");
        let half = whole.len() / 2;
        let refused = turn(&file, half).expect_err("twice as large");
        assert_eq!(
            (&refused, refused.code()),
            (&grows_too_large(half), "animation-too-large")
        );
        assert_eq!(turn(&file, whole.len()), Ok(whole));
    }
}
