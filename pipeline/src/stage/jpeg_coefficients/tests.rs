use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::plane::Block;
use super::scan::Unfollowed;
use super::*;
use crate::stage::scrub::jpeg::APP0;
use crate::stage::testing::{
    JpegKind, gradient, jpeg, jpeg_of_kind, jpeg_of_several_scans, jpeg_refined,
};

mod hostile;
mod oracle;
mod reduction;
mod rows;
mod tails;

/// A component's blocks, row-major, with its sampling factors and its steps.
#[derive(Debug, Clone, PartialEq)]
struct Component {
    factors: (usize, usize),
    columns: usize,
    blocks: Vec<Block>,
    steps: Vec<u8>,
}

fn read(file: &[u8]) -> Result<Source<'_, Kept>, Reject> {
    let mut source = Source::<Kept>::new(Turn::NONE);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => source.read_scan(segment.payload, &mut segments, &mut Unfollowed)?,
            EOI => return Ok(source),
            _ => source.read(&segment)?,
        }
    }
}

fn coefficients(file: &[u8]) -> ((u16, u16), Vec<Component>) {
    let source = read(file).expect("readable");
    let frame = source.frame().expect("a frame");
    let planes = source.planes().expect("complete");
    let component = |(plane, component): (&Kept, &crate::stage::scrub::jpeg::frame::Component)| {
        let steps = source.quantisation(component.quantisation).expect("steps");
        Component {
            factors: (plane.grid.across, plane.grid.down),
            columns: plane.grid.columns,
            blocks: plane.blocks.clone(),
            steps: steps[1..].to_vec(),
        }
    };
    let components = planes.iter().zip(frame.components()).map(component);
    (frame.size(), components.collect())
}

fn every_turn() -> impl Iterator<Item = Turn> {
    (0..8).map(|bits| Turn {
        columns_reversed: bits & 1 != 0,
        rows_reversed: bits & 2 != 0,
        transposed: bits & 4 != 0,
    })
}

/// Zigzag position of (column, row), by walking the diagonals.
fn zigzag(column: usize, row: usize) -> usize {
    let diagonal = column + row;
    let before: usize = (0..diagonal).map(|d| d.min(14 - d) + 1).sum();
    let from_start = if diagonal.is_multiple_of(2) {
        column
    } else {
        row
    };
    before + from_start - diagonal.saturating_sub(7)
}

/// The turned component by the definition of a turn: a pixel's place in the
/// picture decides its block, frequencies decide signs.
fn expected(component: &Component, turn: Turn) -> Component {
    let columns = component.columns;
    let rows = component.blocks.len() / columns;
    let (new_columns, new_rows) = turn.sides((columns, rows));
    let mut turned = component.clone();
    turned.factors = turn.sides(component.factors);
    turned.columns = new_columns;
    for new_row in 0..new_rows {
        for new_column in 0..new_columns {
            let (mut column, mut row) = turn.sides((new_column, new_row));
            if turn.columns_reversed {
                column = columns - 1 - column;
            }
            if turn.rows_reversed {
                row = rows - 1 - row;
            }
            let from = &component.blocks[row * columns + column];
            let to = &mut turned.blocks[new_row * new_columns + new_column];
            for v in 0..8 {
                for u in 0..8 {
                    let negated =
                        (turn.columns_reversed && u % 2 == 1) ^ (turn.rows_reversed && v % 2 == 1);
                    let value = from[zigzag(u, v)];
                    let (new_u, new_v) = turn.sides((u, v));
                    to[zigzag(new_u, new_v)] = if negated { -value } else { value };
                    turned.steps[zigzag(new_u, new_v)] = component.steps[zigzag(u, v)];
                }
            }
        }
    }
    turned
}

/// Turns a file all eight ways; returns how many were possible.
fn assert_turns(name: &str, file: &[u8]) -> usize {
    let (size, components) = coefficients(file);
    let mut n_turned = 0;
    for turn in every_turn() {
        let Some(turned) = turned(file, turn).expect("readable") else {
            assert!(turn.columns_reversed || turn.rows_reversed, "{name}");
            continue;
        };
        n_turned += 1;
        let (new_size, new_components) = coefficients(&turned);
        assert_eq!(new_size, turn.sides(size), "{name} {turn:?}");
        for (new, old) in new_components.iter().zip(&components) {
            assert!(*new == expected(old, turn), "{name} {turn:?}");
        }
    }
    n_turned
}

fn every_jpeg(width: u16, height: u16) -> Vec<(String, Vec<u8>)> {
    let kinds = [
        JpegKind::Baseline,
        JpegKind::Progressive,
        JpegKind::Restarts,
        JpegKind::Grey,
        JpegKind::Cmyk,
        JpegKind::Ycck,
    ];
    let files = kinds.map(|kind| (format!("{kind:?}"), jpeg_of_kind(width, height, kind)));
    let samplings = [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_4_1,
        SamplingFactor::F_2_4,
    ];
    let sampled = samplings.map(|sampling| {
        let rgb = gradient(width.into(), height.into());
        let file = encoded(&rgb, (width, height), sampling, |_| {});
        (format!("{sampling:?}"), file)
    });
    files.into_iter().chain(sampled).collect()
}

fn encoded(
    rgb: &[u8],
    (width, height): (u16, u16),
    sampling: SamplingFactor,
    set: impl Fn(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    encoder.set_sampling_factor(sampling);
    set(&mut encoder);
    encoder
        .encode(rgb, width, height, ColorType::Rgb)
        .expect("the samples fit the size");
    file
}

#[test]
fn every_kind_is_turned_every_way_without_loss() {
    for (name, file) in every_jpeg(64, 32) {
        assert_eq!(assert_turns(&name, &file), 8, "{name}");
    }
    let (refined, _) = jpeg_refined();
    assert_eq!(assert_turns("refined", &refined), 8);
}

#[test]
fn only_a_reversed_side_must_end_with_a_whole_unit() {
    for (name, file) in every_jpeg(64, 27) {
        assert_eq!(assert_turns(&name, &file), 4, "{name}");
    }
    for (name, file) in every_jpeg(61, 32) {
        assert_eq!(assert_turns(&name, &file), 4, "{name}");
    }
    for (name, file) in every_jpeg(13, 7) {
        assert_eq!(assert_turns(&name, &file), 2, "{name}");
    }
}

#[test]
fn scans_that_refine_yield_the_same_coefficients() {
    let (refined, sequential) = jpeg_refined();
    assert!(coefficients(&refined) == coefficients(&sequential));
}

#[test]
fn four_quarter_turns_end_where_they_began() {
    let right = Turn {
        columns_reversed: false,
        rows_reversed: true,
        transposed: true,
    };
    for (name, file) in every_jpeg(64, 32) {
        let mut turning = file.clone();
        for _ in 0..4 {
            let once = turned(&turning, right).expect("readable");
            turning = once.expect("whole units");
        }
        assert!(coefficients(&turning) == coefficients(&file), "{name}");
    }
}

#[test]
fn what_says_how_it_is_shown_is_kept_and_density_turns() {
    let segment = |marker, payload: &[u8]| {
        let mut segment = Vec::new();
        write_segment(marker, payload, &mut segment).expect("short");
        segment
    };
    let jfif = |density: &[u8; 4]| {
        segment(
            APP0,
            &[b"JFIF\0\x01\x01\x01", &density[..], &[0, 0]].concat(),
        )
    };
    let adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01");
    let profile = segment(0xE2, b"ICC_PROFILE\0\x01\x01profile");
    let exif = segment(0xE1, b"Exif\0\0II*\0");
    let plain = jpeg_of_kind(32, 32, JpegKind::Restarts);
    let (start, rest) = (&plain[..2], &plain[20..]);
    let file = [start, &jfif(&[0, 72, 1, 44]), &exif, &profile, &adobe, rest].concat();
    for turn in every_turn() {
        let turned = turned(&file, turn).expect("readable").expect("whole");
        let density = if turn.transposed {
            [1, 44, 0, 72]
        } else {
            [0, 72, 1, 44]
        };
        let kept = [
            start,
            &jfif(&density),
            &profile,
            &adobe,
            &[0xFF, DQT_MARKER],
        ]
        .concat();
        assert!(turned.starts_with(&kept), "{turn:?}");
        let has = |marker| turned.windows(2).any(|two| two == [0xFF, marker]);
        assert!(!has(0xDD) && !has(0xD0), "restarts are gone");
    }
}

const DQT_MARKER: u8 = 0xDB;

#[test]
fn the_memory_a_turn_takes_is_known_from_the_header() {
    // 4 x 2 units of 4 blocks of brightness and 2 of colour.
    assert_eq!(bytes_needed(&jpeg(64, 32)), Ok(4 * 2 * 6 * 136));
    assert_eq!(bytes_needed(&[0xFF, SOI, 0xFF, EOI]), Ok(0));
}

proptest! {
    #[test]
    fn any_picture_is_turned_without_loss(
        (width, height) in (1..48_u16, 1..48_u16),
        seed in any::<u64>(),
        sampling in prop::sample::select(vec![
            SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2,
            SamplingFactor::F_2_2, SamplingFactor::F_4_1, SamplingFactor::F_1_4,
        ]),
        quality in 1..=100_u8,
        progressive in any::<bool>(),
        restart_interval in 0..5_u16,
    ) {
        let mut state = seed | 1;
        let noise = gradient(width.into(), height.into()).into_iter().map(|sample| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            sample ^ ((state >> 58) as u8)
        });
        let rgb: Vec<u8> = noise.collect();
        let file = encoded(&rgb, (width, height), sampling, |encoder| {
            encoder.set_quality(quality);
            encoder.set_progressive(progressive);
            encoder.set_restart_interval(restart_interval);
        });
        assert_turns("a picture", &file);
        prop_assert_eq!(without_tails(&file), Ok(file));
    }
}
