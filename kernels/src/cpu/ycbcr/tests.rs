use proptest::prelude::*;

use super::scalar::pixel;
use super::*;

/// A picture's size, samples and how coarse its chroma is.
#[derive(Debug, Clone)]
pub(crate) struct Coded {
    pub(crate) size: (usize, usize),
    half: [bool; 2],
    padding: usize,
    luma: Vec<u8>,
    chroma: [Vec<u8>; 2],
}

impl Coded {
    pub(crate) fn rows(&self) -> YcbcrRows<'_> {
        let (width, _) = self.size;
        let [half_width, half_height] = self.half;
        let rows = |samples, width: usize| Rows {
            samples,
            stride: width + self.padding,
            first: 0,
        };
        let chroma_width = halved(width, half_width);
        YcbcrRows {
            size: self.size,
            luma: rows(&self.luma, width),
            chroma: Some(Chroma {
                planes: [0, 1].map(|at: usize| rows(&self.chroma[at], chroma_width)),
                half_width,
                half_height,
            }),
        }
    }

    /// All pixels, three bytes each.
    pub(crate) fn rgb(&self) -> Vec<u8> {
        all_pixels(&self.rows())
    }

    /// Has the picture read as a decoder of `height` rows at once shows it: with the
    /// last row of before, as far as chroma of the next ones is needed.
    pub(crate) fn read_by(&self, height: usize, reader: &mut impl ReadRows) {
        let (_, n_rows) = self.size;
        let whole = self.rows();
        let carried = usize::from(self.half[1]);
        let from = |rows: Rows<'_>, first: usize, end: usize| -> Vec<u8> {
            rows.samples[first * rows.stride..end * rows.stride].to_vec()
        };
        let mut ready = 0;
        let mut first = 0;
        while first < n_rows {
            let end = n_rows.min(first + height);
            let until = if end == n_rows { end } else { end - carried };
            let kept = first.saturating_sub(carried);
            let luma = from(whole.luma, kept, end);
            let chroma = whole.chroma.unwrap();
            let coarse = |row: usize| halved(row, chroma.half_height);
            let kept_coarse = coarse(first).saturating_sub(carried);
            let planes = chroma
                .planes
                .map(|plane| from(plane, kept_coarse, coarse(end)));
            let some = YcbcrRows {
                size: self.size,
                luma: Rows {
                    samples: &luma,
                    first: kept,
                    ..whole.luma
                },
                chroma: Some(Chroma {
                    planes: [0, 1].map(|at: usize| Rows {
                        samples: &planes[at],
                        first: kept_coarse,
                        ..chroma.planes[at]
                    }),
                    ..chroma
                }),
            };
            reader.read(&some, ready..until);
            (first, ready) = (end, until);
        }
    }
}

pub(crate) fn coded() -> impl Strategy<Value = Coded> {
    let sizes = (1_usize..40, 1_usize..40, any::<[bool; 2]>(), 0_usize..9);
    sizes.prop_flat_map(|(width, height, half, padding)| {
        let samples = |width: usize, height: usize| {
            proptest::collection::vec(any::<u8>(), (width + padding) * height)
        };
        let coarse = || samples(halved(width, half[0]), halved(height, half[1]));
        (samples(width, height), coarse(), coarse()).prop_map(move |(luma, blue, red)| Coded {
            size: (width, height),
            half,
            padding,
            luma,
            chroma: [blue, red],
        })
    })
}

/// A whole number as a byte.
fn sample(value: f32) -> u8 {
    let sample = (0..=255).find(|sample| f32::from(*sample) >= value);
    sample.unwrap()
}

fn all_pixels(rows: &YcbcrRows<'_>) -> Vec<u8> {
    let (width, height) = rows.size;
    let mut rgb = vec![0; width * height * CHANNELS];
    let mut converter = Converter::new((0..width).collect());
    for (row_idx, out) in rgb.chunks_exact_mut(width * CHANNELS).enumerate() {
        let colours = converter.row(rows, row_idx);
        for (column, pixel) in out.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
            *pixel = [0, 1, 2].map(|channel: usize| sample(colours[channel][column]));
        }
    }
    rgb
}

proptest! {
    #[test]
    fn pixels_are_what_the_definitions_say(coded in coded()) {
        let (rgb, rows) = (coded.rgb(), coded.rows());
        let (width, _) = coded.size;
        for (at, found) in rgb.as_chunks::<CHANNELS>().0.iter().enumerate() {
            let (x, y) = (at % width, at / width);
            let luma = rows.luma_row(y)[x];
            let exact = pixel(luma, &rows.chroma.unwrap(), coded.size, (x, y));
            for (found, exact) in found.iter().zip(exact) {
                // Chroma is rounded to whole steps first, as in common decoders.
                let error = f64::from(*found) - exact.clamp(0.0, 255.0);
                prop_assert!(error.abs() < 0.5 + 0.5 * 1.772, "{found} {exact}");
            }
        }
    }
}

#[test]
fn grey_has_no_colour() {
    let luma = [1, 2, 3, 9, 4, 5, 6, 9];
    let rows = YcbcrRows {
        size: (3, 2),
        luma: Rows {
            samples: &luma,
            stride: 4,
            first: 0,
        },
        chroma: None,
    };
    let grey = [1, 2, 3, 4, 5, 6].map(|luma| [luma; 3]);
    assert_eq!(all_pixels(&rows), grey.as_flattened());
}
