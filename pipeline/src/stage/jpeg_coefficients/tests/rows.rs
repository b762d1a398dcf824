//! The samples of rows, beside what the definition makes of the coefficients.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::ops::Range;

use imgshare_kernels::cpu::ycbcr::{ReadRows, Rows, YcbcrRows};

use super::super::turn::ZIGZAG;
use super::super::{has_rows, read_rows};
use super::*;

/// Keeps all samples of luma, and of chroma those that the picture needs.
#[derive(Default)]
struct Keeper {
    ready: usize,
    planes: [Vec<Vec<u8>>; 3],
}

impl ReadRows for Keeper {
    fn read(&mut self, rows: &YcbcrRows<'_>, ready: Range<usize>) {
        assert_eq!(self.ready, ready.start, "rows follow each other");
        self.ready = ready.end;
        let (width, height) = rows.size;
        let [luma, blue, red] = &mut self.planes;
        keep(luma, &rows.luma, width, ready.clone());
        let Some(chroma) = rows.chroma else { return };
        let halved = |length: usize, half: bool| if half { length.div_ceil(2) } else { length };
        let end = if chroma.half_height && ready.end < height {
            // The row below is needed too.
            ready.end / 2 + 1
        } else {
            halved(ready.end, chroma.half_height)
        };
        for (plane, rows) in [blue, red].into_iter().zip(&chroma.planes) {
            let first = plane.len();
            keep(plane, rows, halved(width, chroma.half_width), first..end);
        }
    }
}

fn keep(plane: &mut Vec<Vec<u8>>, rows: &Rows<'_>, width: usize, range: Range<usize>) {
    for row in range {
        let from = (row - rows.first) * rows.stride;
        plane.push(rows.samples[from..from + width].to_vec());
    }
}

/// T.81, A.3.3, of a block's zigzag coefficients.
fn sample(block: &Block, steps: &[u8], x: usize, y: usize) -> f64 {
    let wave = |at: usize, frequency: usize| {
        let weight = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
        weight / 2.0 * ((2 * at + 1) as f64 * frequency as f64 * PI / 16.0).cos()
    };
    let mut sum = 128.0;
    for ((value, step), natural) in block.iter().zip(steps).zip(ZIGZAG) {
        let (v, u) = (usize::from(natural) / 8, usize::from(natural) % 8);
        sum += f64::from(*value) * f64::from(*step) * wave(x, u) * wave(y, v);
    }
    sum.clamp(0.0, 255.0)
}

fn assert_rows(file: &[u8]) {
    let ((width, height), components) = coefficients(file);
    let size = (usize::from(width), usize::from(height));
    let mut keeper = Keeper::default();
    assert_eq!(has_rows(file), Ok(true));
    assert_eq!(read_rows(file, size, &mut [&mut keeper]), Ok(()));
    assert_eq!(keeper.ready, size.1, "all rows are shown");
    let most = |of: fn(&Component) -> usize| components.iter().map(of).max().unwrap();
    let (across, down) = (most(|it| it.factors.0), most(|it| it.factors.1));
    for (component, plane) in components.iter().zip(&keeper.planes) {
        let rows = (size.1 * component.factors.1).div_ceil(down);
        let columns = (size.0 * component.factors.0).div_ceil(across);
        assert_eq!(plane.len(), rows, "{size:?}");
        for (y, row) in plane.iter().enumerate() {
            assert_eq!(row.len(), columns, "{size:?}");
            for (x, found) in row.iter().enumerate() {
                let block = &component.blocks[y / 8 * component.columns + x / 8];
                let exact = sample(block, &component.steps, x % 8, y % 8);
                assert!((f64::from(*found) - exact).abs() < 0.51, "{found} {exact}");
            }
        }
    }
}

#[test]
fn every_sequential_kind_has_the_samples_of_its_coefficients() {
    for (width, height) in [
        (1, 1),
        (2, 3),
        (8, 8),
        (16, 16),
        (17, 33),
        (64, 48),
        (100, 7),
    ] {
        for kind in [JpegKind::Baseline, JpegKind::Restarts, JpegKind::Grey] {
            assert_rows(&jpeg_of_kind(width, height, kind));
        }
        for sampling in [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_1_2,
        ] {
            let rgb = gradient(width.into(), height.into());
            assert_rows(&encoded(&rgb, (width, height), sampling, |_| {}));
        }
    }
}

/// The file with one byte at this distance from its frame's marker changed.
fn with_frame_byte(file: &[u8], offset: usize, byte: u8) -> Vec<u8> {
    let mut changed = file.to_vec();
    let frame = file.windows(2).position(|two| two == [0xFF, 0xC0]);
    changed[frame.expect("a frame") + offset] = byte;
    changed
}

#[test]
fn factors_of_a_component_by_itself_change_nothing() {
    let grey = jpeg_of_kind(40, 24, JpegKind::Grey);
    assert_rows(&with_frame_byte(&grey, 11, 0x22));
}

#[test]
fn steps_may_take_two_bytes() {
    let file = jpeg(40, 24);
    let mut wide = Vec::new();
    let mut rest = &file[..];
    while let Some(at) = rest
        .windows(5)
        .position(|head| head[..4] == [0xFF, DQT_MARKER, 0, 67] && head[4] < 4)
    {
        wide.extend_from_slice(&rest[..at]);
        wide.extend_from_slice(&[0xFF, DQT_MARKER, 0, 131, 0x10 | rest[at + 4]]);
        wide.extend(rest[at + 5..at + 69].iter().flat_map(|step| [0, *step]));
        rest = &rest[at + 69..];
    }
    wide.extend_from_slice(rest);
    assert!(wide.len() > file.len());
    let rows = |file: &[u8]| {
        let mut keeper = Keeper::default();
        assert_eq!(read_rows(file, (40, 24), &mut [&mut keeper]), Ok(()));
        keeper.planes
    };
    assert!(rows(&wide) == rows(&file));
}

#[test]
fn what_cannot_be_read_row_by_row_is_known_from_its_head() {
    let rgb = gradient(64, 48);
    let odd = encoded(&rgb, (64, 48), SamplingFactor::F_4_1, |encoder| {
        encoder.set_quality(90);
    });
    let adobe_rgb = b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0";
    let plain = jpeg(64, 48);
    // Without the JFIF header, by which it would be YCbCr all the same.
    let rgb = [&plain[..2], adobe_rgb, &plain[20..]].concat();
    let three_across = [8, 11, 14]
        .iter()
        .fold(jpeg_of_kind(64, 48, JpegKind::Baseline), |file, at| {
            with_frame_byte(&file, at + 3, 0x31)
        });
    for file in [
        odd,
        rgb,
        three_across,
        jpeg_of_kind(64, 48, JpegKind::Progressive),
        jpeg_of_kind(64, 48, JpegKind::Cmyk),
        jpeg_of_several_scans(64, 48),
    ] {
        assert_eq!(has_rows(&file), Ok(false));
        let mut keeper = Keeper::default();
        let answer = read_rows(&file, (64, 48), &mut [&mut keeper]);
        assert_eq!((answer, keeper.ready), (Err(BROKEN), 0));
    }
    assert_eq!(read_rows(&jpeg(64, 48), (64, 47), &mut []), Err(BROKEN));
}
