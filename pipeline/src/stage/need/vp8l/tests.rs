use super::*;
use crate::stage::sniff::webp::Chunks;
use crate::stage::testing;

/// Bits of a stream, the lowest first.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    n_bits: usize,
}

impl Writer {
    fn put(&mut self, value: u32, n: usize) -> &mut Self {
        for bit in 0..n {
            if self.n_bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= u8::from(value >> bit & 1 == 1) << (self.n_bits % 8);
            self.n_bits += 1;
        }
        self
    }

    fn head(&mut self, width: u32, height: u32) -> &mut Self {
        self.put(0x2F, 8).put(width - 1, 14).put(height - 1, 14);
        self.put(0, 4)
    }

    /// A code of one symbol, which takes no bit.
    fn only(&mut self, symbol: u32) -> &mut Self {
        self.put(0b101, 3).put(symbol, 8)
    }

    /// A code of two symbols, a bit each.
    fn either(&mut self, first: u32, second: u32) -> &mut Self {
        self.put(0b111, 3).put(first, 8).put(second, 8)
    }
}

/// A picture whose entropy image has the group `red` * 256 + `green` everywhere.
fn with_group(red: u32, green: u32) -> Vec<u8> {
    let mut bits = Writer::default();
    bits.head(64, 64);
    // No transform, no colour cache, several groups, one a block of 64 pixels.
    bits.put(0, 1).put(0, 1).put(1, 1).put(4, 3);
    bits.put(0, 1);
    bits.only(green).only(red).only(0).only(0).only(0);
    bits.bytes
}

#[test]
fn one_pixel_announces_as_many_groups_as_it_likes() {
    let bytes = |red, green| tables_bytes_of_picture(&with_group(red, green)).unwrap();
    let group = group_bytes(None);
    assert_eq!(bytes(0, 0), group);
    assert_eq!(bytes(0, 9), 10 * group);
    assert_eq!(bytes(255, 255), 65_536 * group);
    // Which is more than any service has to spare.
    assert!(bytes(255, 255) > 1 << 31);
}

#[test]
fn encoders_need_little() {
    for file in [testing::webp(40, 24), testing::webp_with_alpha(300, 200)] {
        let (_, data) = Chunks::of_file(&file)
            .unwrap()
            .flatten()
            .find(|(name, _)| name == b"VP8L")
            .unwrap();
        let tables_bytes = tables_bytes_of_picture(data).unwrap();
        assert!(tables_bytes < 1 << 20, "{tables_bytes}");
    }
}

/// Transforms, a colour cache, runs and copies before the entropy image.
#[test]
fn what_comes_before_the_groups_is_read_over() {
    let mut bits = Writer::default();
    bits.head(16, 4);
    // Subtract green; predictor, with a picture of 4 x 1 pixels of one colour.
    bits.put(1, 1).put(2, 2);
    bits.put(1, 1).put(0, 2).put(0, 3);
    bits.put(0, 1);
    bits.only(7).only(0).only(0).only(255).only(0);
    // A palette of three colours, so that four pixels are packed into one: a
    // literal, then two pixels from the colour cache of two entries.
    bits.put(1, 1).put(3, 2).put(2, 8);
    bits.put(1, 1).put(1, 4);
    normal_code_of(
        &mut bits,
        5,
        280 + (0x1E35_A7BD_u32.wrapping_mul(0xFF00_0500) >> 31),
    );
    bits.only(0).only(0).only(255).only(0);
    bits.put(0, 1).put(1, 1).put(1, 1);
    // No more transforms, a cache of 2^3 entries, groups, blocks of 4 pixels:
    // an entropy image of 1 x 1 pixel.
    bits.put(0, 1).put(1, 1).put(3, 4).put(1, 1).put(0, 3);
    bits.put(0, 1);
    bits.only(41).either(0, 1).only(0).only(0).only(0);
    bits.put(1, 1);
    let tables_bytes = tables_bytes_of_picture(&bits.bytes).unwrap();
    assert_eq!(tables_bytes, (256 + 41 + 1) * group_bytes(Some(3)));
}

/// A code of 282 symbols in which only `zero` and `one` are used, a bit each.
fn normal_code_of(bits: &mut Writer, zero: u32, one: u32) {
    // The code for lengths: 0 has one bit, 1 and 18 have two.
    bits.put(0, 1).put(12 - 4, 4);
    let lengths = [(18, 2), (0, 1), (1, 2)];
    for place in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8] {
        let length = lengths.iter().find(|(symbol, _)| *symbol == place);
        bits.put(length.map_or(0, |(_, length)| *length), 3);
    }
    // All symbols are sent. Codes, first bit first: 0 is 0, 1 is 10, 18 is 11.
    bits.put(0, 1);
    let mut symbol = 0;
    while symbol < 282 {
        let next = [zero, one, 282].into_iter().find(|used| *used >= symbol);
        let gap = next.unwrap_or(282) - symbol;
        if gap == 0 {
            bits.put(0b01, 2);
            symbol += 1;
        } else if gap >= 11 {
            let run = gap.min(138);
            bits.put(0b11, 2).put(run - 11, 7);
            symbol += run;
        } else {
            bits.put(0, 1);
            symbol += 1;
        }
    }
}

#[test]
fn copies_reach_back_and_no_further() {
    let picture = |distance: u32| {
        let mut bits = Writer::default();
        bits.head(16, 16);
        bits.put(0, 1).put(0, 1).put(1, 1).put(0, 3);
        // 4 x 4 blocks: a literal 3, then a copy of 15 pixels.
        bits.put(0, 1);
        normal_code_of_lengths(&mut bits);
        bits.only(0).only(0).only(0).only(distance);
        bits.put(0, 1).put(1, 1).put(0, 2);
        bits.bytes
    };
    // Distance code 1 names the pixel to the left.
    let copied = tables_bytes_of_picture(&picture(1));
    assert_eq!(copied, Ok(4 * group_bytes(None)));
    // Code 0 names the pixel above, of which there is none.
    assert_eq!(tables_bytes_of_picture(&picture(0)), Err(BROKEN));
}

/// Of 280 symbols 3 and the length code 7, which begins at 13, are used.
fn normal_code_of_lengths(bits: &mut Writer) {
    normal_code_cut_to(bits, 3, 263);
}

fn normal_code_cut_to(bits: &mut Writer, zero: u32, one: u32) {
    let mut longer = Writer::default();
    normal_code_of(&mut longer, zero, one);
    // The last run covers 282 - 264 symbols: two fewer here.
    let n_bits = longer.n_bits;
    let read = |at: usize| u32::from(longer.bytes[at / 8] >> (at % 8) & 1);
    for at in 0..n_bits - 7 {
        bits.put(read(at), 1);
    }
    bits.put(280 - one - 1 - 11, 7);
}

#[test]
fn what_is_cut_or_broken_is_refused() {
    let whole = with_group(1, 2);
    for length in 0..whole.len() {
        assert_eq!(
            tables_bytes_of_picture(&whole[..length]),
            Err(Reject::Truncated),
            "{length}"
        );
    }
    let mut twice = Writer::default();
    twice.head(8, 8).put(1, 1).put(2, 2).put(1, 1).put(2, 2);
    twice.put(0, 32);
    assert_eq!(tables_bytes_of_picture(&twice.bytes), Err(BROKEN));
    let mut cache = Writer::default();
    cache.head(8, 8).put(0, 1).put(1, 1).put(12, 4);
    assert_eq!(tables_bytes_of_picture(&cache.bytes), Err(BROKEN));
}

#[test]
fn an_alpha_plane_has_no_header() {
    let picture = with_group(0, 9);
    // 40 bits of header; the rest is the plane.
    assert_eq!(
        tables_bytes_of_plane(&picture[5..], (64, 64)),
        Ok(10 * group_bytes(None))
    );
}
