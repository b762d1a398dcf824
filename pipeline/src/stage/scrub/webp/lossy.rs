//! Finds the end of each partition of a lossy picture and cuts it there: what
//! follows the last coefficient is shown by no decoder (RFC 6386).
//!
//! The decisions are read, the pixels are not made.

use super::bools::Bools;
use super::lossy_tables::{SUBBLOCK_MODES, TOKEN_UPDATES, TOKENS, TokenProbabilities};
use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

/// The probability of a decision that is as likely false as true.
pub(super) const HALF: u8 = 128;
/// Frame tag, start code and sides.
const HEADER_BYTES: usize = 10;
/// Where the first partition's length begins in the frame tag.
const LENGTH_SHIFT: u32 = 5;
const LENGTH_MAX: usize = (1 << 19) - 1;

/// Modes of a macroblock; [`SUBBLOCKS`] means that each sub-block has its own.
const MODE_TREE: [i8; 8] = [-SUBBLOCKS, 2, 4, 6, 0, -1, -2, -3];
const MODE_PROBABILITIES: [u8; 4] = [145, 156, 163, 128];
const SUBBLOCKS: i8 = 4;
/// What the modes 0 to 3 mean for a neighbour's sub-blocks.
const IMPLIED: [u8; 4] = [0, 2, 3, 1];
const SUBBLOCK_TREE: [i8; 18] = [
    0, 2, -1, 4, -2, 6, 8, 12, -3, 10, -5, -6, -4, 14, -7, 16, -8, -9,
];
const CHROMA_TREE: [i8; 6] = [0, 2, -1, 4, -2, -3];
const CHROMA_PROBABILITIES: [u8; 3] = [142, 114, 183];
const SEGMENT_TREE: [i8; 6] = [2, 4, 0, -1, -2, -3];

const BANDS: [usize; 17] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0];
/// Probabilities of the further bits of the six kinds of large values.
const EXTRA_BITS: [&[u8]; 6] = [
    &[159],
    &[165, 145],
    &[173, 148, 140],
    &[176, 155, 140, 135],
    &[180, 157, 141, 134, 130],
    &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129],
];

/// A `VP8 ` chunk's data without what follows any partition. `width` and `height`
/// are those of its header.
pub(super) fn exact(data: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Reject> {
    let mut cursor = Cursor::new(data);
    let header: [u8; HEADER_BYTES] = cursor.array()?;
    let tag = u32::from_le_bytes([header[0], header[1], header[2], 0]);
    let macroblocks = |pixels: u32| usize::try_from(pixels.div_ceil(16)).unwrap_or(usize::MAX);
    let (across, down) = (macroblocks(width), macroblocks(height));

    let mut first = Bools::new(cursor.take_u32(tag >> LENGTH_SHIFT)?)?;
    let frame = Frame::read(&mut first);
    let modes = frame.read_modes(&mut first, across, down);
    let mut partitions = partitions(&mut cursor, frame.n_partitions)?;
    let mut above = vec![Coded::default(); across];
    for (row_idx, row) in modes.chunks_exact(across).enumerate() {
        let partition = &mut partitions[row_idx % frame.n_partitions];
        let mut left = Coded::default();
        for (macroblock, above) in row.iter().zip(&mut above) {
            frame.read_macroblock(partition, *macroblock, &mut left, above);
        }
    }
    write(&header, first.consumed(), &partitions)
}

/// The partitions of coefficients: the lengths of all but the last stand before
/// them (9.5).
fn partitions<'a>(cursor: &mut Cursor<'a>, n: usize) -> Result<Vec<Bools<'a>>, Reject> {
    let lengths: Vec<u32> = (1..n).map(|_| cursor.u24_le()).collect::<Result<_, _>>()?;
    let mut partitions: Vec<Bools<'a>> = lengths
        .into_iter()
        .map(|length| cursor.take_u32(length).and_then(Bools::new))
        .collect::<Result<_, _>>()?;
    partitions.push(Bools::new(cursor.rest())?);
    Ok(partitions)
}

fn write(
    header: &[u8; HEADER_BYTES],
    first: &[u8],
    partitions: &[Bools<'_>],
) -> Result<Vec<u8>, Reject> {
    const TOO_LONG: Reject = malformed("a partition is longer than its length can say");
    let first_length = u32::try_from(first.len().min(LENGTH_MAX)).map_err(|_| TOO_LONG)?;
    let flags = u32::from(header[0]) & ((1 << LENGTH_SHIFT) - 1);
    let tag = (first_length << LENGTH_SHIFT | flags).to_le_bytes();
    let mut out = [&tag[..3], &header[3..], first].concat();
    let (_, but_last) = partitions.split_last().ok_or(TOO_LONG)?;
    for partition in but_last {
        let length = u32::try_from(partition.consumed().len()).map_err(|_| TOO_LONG)?;
        out.extend_from_slice(&length.to_le_bytes()[..3]);
    }
    for partition in partitions {
        out.extend_from_slice(partition.consumed());
    }
    Ok(out)
}

/// What the frame header says about how to read on.
struct Frame {
    /// Probabilities of the segment tree, if each macroblock names its segment.
    segments: Option<[u8; 3]>,
    n_partitions: usize,
    tokens: Box<TokenProbabilities>,
    /// How likely a macroblock has coefficients, if those without are marked.
    coded_probability: Option<u8>,
}

/// A macroblock's modes, as far as its coefficients hang on them.
#[derive(Clone, Copy)]
struct Macroblock {
    is_skipped: bool,
    has_subblock_modes: bool,
}

impl Frame {
    /// Section 9.2 to 9.11, and 19.2 for the order.
    fn read(bools: &mut Bools<'_>) -> Self {
        // Colour space and clamping.
        bools.number(2);
        let segments = read_segments(bools);
        // Kind, level and sharpness of the loop filter.
        bools.number(1 + 6 + 3);
        if bools.flag() && bools.flag() {
            (0..8).for_each(|_| bools.skip_optional(6));
        }
        let n_partitions = 1 << bools.number(2);
        // Quantisers: one index, and what the others differ by.
        bools.number(7);
        (0..5).for_each(|_| bools.skip_optional(4));
        let _refresh_probabilities = bools.flag();
        let mut tokens = Box::new(TOKENS);
        let all = tokens.as_flattened_mut().as_flattened_mut();
        let updates = TOKEN_UPDATES.as_flattened().as_flattened();
        for (token, update) in all
            .as_flattened_mut()
            .iter_mut()
            .zip(updates.as_flattened())
        {
            if bools.decide(*update) {
                *token = u8::try_from(bools.number(8)).unwrap_or(0);
            }
        }
        let coded_probability = bools
            .flag()
            .then(|| u8::try_from(bools.number(8)).unwrap_or(0));
        Self {
            segments,
            n_partitions,
            tokens,
            coded_probability,
        }
    }

    /// The modes of all macroblocks (section 11), which fill the first partition.
    fn read_modes(&self, bools: &mut Bools<'_>, across: usize, down: usize) -> Vec<Macroblock> {
        let mut modes = Vec::with_capacity(across * down);
        let mut above = vec![[0_u8; 4]; across];
        for _ in 0..down {
            let mut left = [0_u8; 4];
            for above in &mut above {
                if let Some(probabilities) = &self.segments {
                    bools.leaf(&SEGMENT_TREE, probabilities);
                }
                let is_skipped = self
                    .coded_probability
                    .is_some_and(|probability| bools.decide(probability));
                let mode = bools.leaf(&MODE_TREE, &MODE_PROBABILITIES);
                let implied = IMPLIED.get(mode);
                match implied {
                    Some(implied) => (*above, left) = ([*implied; 4], [*implied; 4]),
                    None => read_subblock_modes(bools, above, &mut left),
                }
                bools.leaf(&CHROMA_TREE, &CHROMA_PROBABILITIES);
                modes.push(Macroblock {
                    is_skipped,
                    has_subblock_modes: implied.is_none(),
                });
            }
        }
        modes
    }

    /// The coefficients of a macroblock (section 13).
    fn read_macroblock(
        &self,
        bools: &mut Bools<'_>,
        macroblock: Macroblock,
        left: &mut Coded,
        above: &mut Coded,
    ) {
        let has_second_order = !macroblock.has_subblock_modes;
        if macroblock.is_skipped {
            for side in [left, above] {
                let second_order = side.second_order && !has_second_order;
                *side = Coded {
                    second_order,
                    ..Coded::default()
                };
            }
            return;
        }
        let (luma, first) = if has_second_order {
            let context = u8::from(left.second_order) + u8::from(above.second_order);
            let is_coded = self.read_block(bools, 1, 0, context);
            (left.second_order, above.second_order) = (is_coded, is_coded);
            (0, 1)
        } else {
            (3, 0)
        };
        self.read_blocks(bools, (luma, first), &mut left.luma, &mut above.luma);
        for plane in 0..2 {
            let (left, above) = (&mut left.chroma[plane], &mut above.chroma[plane]);
            self.read_blocks(bools, (2, 0), left, above);
        }
    }

    /// The blocks of one plane of a macroblock, row by row.
    fn read_blocks<const N: usize>(
        &self,
        bools: &mut Bools<'_>,
        (plane, first): (usize, usize),
        left: &mut [bool; N],
        above: &mut [bool; N],
    ) {
        for left in left {
            for above in &mut *above {
                let context = u8::from(*left) + u8::from(*above);
                let is_coded = self.read_block(bools, plane, first, context);
                (*left, *above) = (is_coded, is_coded);
            }
        }
    }

    /// One block from coefficient `first` on; whether it has any.
    fn read_block(&self, bools: &mut Bools<'_>, plane: usize, first: usize, context: u8) -> bool {
        let bands = &self.tokens[plane];
        let mut at = first;
        let mut tokens = &bands[BANDS[at]][usize::from(context)];
        while at < 16 {
            if !bools.decide(tokens[0]) {
                return at > first;
            }
            // No end may follow a zero.
            while !bools.decide(tokens[1]) {
                at += 1;
                tokens = &bands[BANDS[at]][0];
                if at == 16 {
                    return true;
                }
            }
            let context = read_value(bools, tokens);
            at += 1;
            tokens = &bands[BANDS[at]][context];
        }
        true
    }
}

/// Which blocks along an edge have coefficients.
#[derive(Clone, Copy, Default)]
struct Coded {
    luma: [bool; 4],
    chroma: [[bool; 2]; 2],
    second_order: bool,
}

fn read_segments(bools: &mut Bools<'_>) -> Option<[u8; 3]> {
    if !bools.flag() {
        return None;
    }
    let (updates_map, updates_values) = (bools.flag(), bools.flag());
    if updates_values {
        let _absolute = bools.flag();
        (0..4).for_each(|_| bools.skip_optional(7));
        (0..4).for_each(|_| bools.skip_optional(6));
    }
    updates_map.then(|| {
        [(); 3].map(|()| {
            if bools.flag() {
                u8::try_from(bools.number(8)).unwrap_or(u8::MAX)
            } else {
                u8::MAX
            }
        })
    })
}

fn read_subblock_modes(bools: &mut Bools<'_>, above: &mut [u8; 4], left: &mut [u8; 4]) {
    for left in left {
        for above in &mut *above {
            let probabilities = &SUBBLOCK_MODES[usize::from(*above)][usize::from(*left)];
            let mode = bools.leaf(&SUBBLOCK_TREE, probabilities);
            let mode = u8::try_from(mode).unwrap_or(0);
            (*above, *left) = (mode, mode);
        }
    }
}

/// A value that is not zero, with its sign; 1 if it is one, else 2 (13.2).
fn read_value(bools: &mut Bools<'_>, tokens: &[u8; 11]) -> usize {
    let mut context = 2;
    if !bools.decide(tokens[2]) {
        context = 1;
    } else if !bools.decide(tokens[3]) {
        if bools.decide(tokens[4]) {
            bools.decide(tokens[5]);
        }
    } else {
        let kind = if !bools.decide(tokens[6]) {
            usize::from(bools.decide(tokens[7]))
        } else {
            let high = usize::from(bools.decide(tokens[8]));
            2 + 2 * high + usize::from(bools.decide(tokens[9 + high]))
        };
        for probability in EXTRA_BITS[kind] {
            bools.decide(*probability);
        }
    }
    bools.flag();
    context
}
