use proptest::prelude::*;

use super::*;

type Draw = fn(u32, u32, u32, u32, u32) -> u32;

/// Picture, width, height, and the hash and quality that Meta's code gives it:
/// what `reference.py` printed.
#[rustfmt::skip]
const EXPECTED: [(Draw, u32, u32, &str, u8); 32] = [
    (tiles, 5, 5, "a1c89e271e2761d87e1fc4f12e0b3b0e81e09e2761c89e279e2761d87e1fc4f1", 82),
    (tiles, 300, 5, "f0e1a5b70f1eda4850eaf4a070e30b5f8f1d2737f0e1a5b70f1eda4850e2f4a0", 100),
    (tiles, 64, 64, "7ca274a074a259cacb79871fdb48bf81a4b7a4b55b484b4e849f78ea3ca2f4a0", 100),
    (tiles, 100, 40, "70e2b4b05b6a5f0ac2798797db48ff40a4b7a0f75f484b4e849f70ea34a2f4a0", 100),
    (tiles, 129, 257, "75a2f5a0da480e5f827d2e15f240e58125b721f7da481a5e0dbfd1ea75a2f5a0", 100),
    (tiles, 640, 480, "7c82f4a021f70b5f8b5dae15fb40f4a124b75b4adb480b7e04bf51ea74a2f4a0", 100),
    (tiles, 1021, 767, "7482f4a083fd0b5f8b5dae15fb40f4a125b75b4ada480b7e04bf51ea74a2f4a0", 100),
    (tiles, 2000, 33, "71e224b7db485e0a837dae15db48fb41a4b721f7da481b4e04bf51ea74a2f4a0", 100),
    (rings, 5, 5, "96a596a5695a69d864d964d9e4f11b069b269e2796a596a5695a61d864d9e4d9", 100),
    (rings, 300, 5, "fa29622905d69d56fd5ef92ad82a04d502d122a9fa29622905d69d56fd6ef92a", 100),
    (rings, 64, 64, "5af85fda5ad85bd8ead8eb58ab48fd48ad485548f52954a8aaa9aaa981552aa5", 100),
    (rings, 100, 40, "2a01a95252ad2aad956ab529b52994add4adb52bd4a9a56bd4ad952956ad56ad", 100),
    (rings, 129, 257, "8015aa955555475655567ffe555eaaaa55faaaaabfeaaaaa1541aaa955550005", 100),
    (rings, 640, 480, "7f69ed4bef69ad4a6d29ad48ad29ad48a529a54895a9952956a954a9aaa58aa5", 100),
    (rings, 1021, 767, "7f69ed4bef69a94a6d29ad48ad29ad48a529a54895a9952956a955a9aaa58aa5", 100),
    (rings, 2000, 33, "79054b164a564a566a524a564a162ad624d2ada9b5a9bdadb5a9f5a9b4adb4ad", 100),
    (gradient, 5, 5, "94a594a56b5a6b5a6b5a6b5a694a94a594a594a594a594a56b5a6b5a6b5a6b5a", 96),
    (gradient, 300, 5, "d555556a2aabaaa6aaaa552aaaaaaad555555555d555556a2aaaaaaaaaaa552a", 89),
    (gradient, 64, 64, "aaabaaaaaaaaaaaaaaaa2aaa92abab5292a9ab5a92abaaaadaaaaaaa5aaa554a", 97),
    (gradient, 100, 40, "a4aaaaaaaaaa5aaa96aaaaa5aaa5b55a56a9ab54baadaaaa5aaaaaaa4aaa554a", 93),
    (gradient, 129, 257, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaadaaaaaaa5aaa554a", 92),
    (gradient, 640, 480, "a2ab2aaab2aaaaaabaaaaaaabaaaaaaabaaaaaaabaaaaaaa4aaaaaaa4aaa554a", 91),
    (gradient, 1021, 767, "a2aaaaaab2aaaaaabaabaaaab2aaaaaabaaaaaaaaaaaaaaacaaaaaaa4aaa554a", 92),
    (gradient, 2000, 33, "2ab555aa955a6ab5b55555565aad657a92aaaaa692aaaaaa4aaaaaaa4aaa556a", 90),
    (noise, 5, 5, "61d89b269e2764d93b0e9b26398e64d9c6f19b2661d89b269e2764d9390e9b26", 8),
    (noise, 300, 5, "5a45c0f0a5aa3f0f645abf705a5ac08fdda5c0f35a45e0f0a5ba3f0c245abf70", 100),
    (noise, 64, 64, "2af8822dd3d89629dc1c0921dc54cd7edc8b896ee88bad76d88bf02e84db712e", 100),
    (noise, 100, 40, "d810cf4f1d5a4fd23b89ab425e96f7405fe00bb576a4bc3261c62cbca180fc3d", 100),
    (noise, 129, 257, "02ab0bfea2abc15ee2ab057e6aab597e22ab8a7e542b0fbe402b059ec02b4d3e", 100),
    (noise, 640, 480, "55d481fe55d481ea0080d5ff01a0d5ff0180f5ff01a4f1ff018055ff05bc55ff", 100),
    (noise, 1021, 767, "95753e0e95752aa995553a8895553e2d95fb2ab295542aba94d52da296552bb2", 100),
    (noise, 2000, 33, "ffbb8955f29f4d555824055590af1d54effb8d55ff7f0d555aa85000a2a8d000", 100),
];

#[test]
fn pictures_have_the_hashes_of_the_reference() {
    for (draw, w, h, hash, quality) in EXPECTED {
        let rgb = drawn(draw, w, h);
        let view = RgbView::new(&rgb, w, h).unwrap();
        for found in [pdq(view).unwrap(), oracle(view)] {
            assert_eq!(hex(&found.hash), hash, "{w} x {h}");
            assert_eq!(found.quality, quality, "{w} x {h}");
        }
    }
}

#[test]
fn a_picture_too_small_has_none() {
    for (w, h) in [(4, 9), (9, 4), (1, 1)] {
        let rgb = drawn(tiles, w, h);
        assert_eq!(pdq(RgbView::new(&rgb, w, h).unwrap()), None);
    }
}

#[test]
fn a_picture_of_nothing_has_no_quality() {
    let found = pdq(RgbView::new(&[90; 300 * 200 * 3], 300, 200).unwrap());
    assert_eq!(found.unwrap().quality, 0);
}

#[test]
fn likeness_is_a_small_distance() {
    let hash = |draw, w, h| {
        pdq(RgbView::new(&drawn(draw, w, h), w, h).unwrap())
            .unwrap()
            .hash
    };
    let picture = hash(tiles, 640, 480);
    assert!(distance(picture, hash(tiles, 500, 333)) < 31);
    assert!(distance(picture, hash(rings, 640, 480)) > 90);
}

#[test]
fn turned_pictures_have_the_hashes_that_are_told_of_the_upright_one() {
    for (draw, w, h, ..) in EXPECTED {
        let rgb = drawn(draw, w, h);
        let Pdq { hash, turned, .. } = pdq(RgbView::new(&rgb, w, h).unwrap()).unwrap();
        let told = [
            hash,
            turned.mirrored,
            turned.flipped,
            turned.half_turned,
            by_columns(hash),
            by_columns(turned.mirrored),
            by_columns(turned.flipped),
            by_columns(turned.half_turned),
        ];
        for (told, (rgb, w, h)) in told.into_iter().zip(turnings(&rgb, w, h)) {
            let found = pdq(RgbView::new(&rgb, w, h).unwrap()).unwrap().hash;
            let n_bits = distance(told, found);
            // With width for height the same sums are added in another order. In
            // these drawings many frequencies are the same, or nothing at all.
            assert!(n_bits <= 4, "{n_bits} bits at {w} x {h}");
        }
    }
}

/// The picture in all eight ways: upright, mirrored, flipped, turned by 180
/// degrees; and along the diagonal from above left, turned to the left, to the right,
/// and along the other diagonal.
fn turnings(rgb: &[u8], w: u32, h: u32) -> [(Vec<u8>, u32, u32); 8] {
    let pixel = |x: u32, y: u32| {
        let at = ((y * w + x) * 3) as usize;
        rgb[at..at + 3].to_vec()
    };
    let turned = |w: u32, h: u32, from: &dyn Fn(u32, u32) -> (u32, u32)| {
        let places = (0..h).flat_map(|y| (0..w).map(move |x| (x, y)));
        let pixels = places.flat_map(|(x, y)| {
            let (x, y) = from(x, y);
            pixel(x, y)
        });
        (pixels.collect(), w, h)
    };
    let (right, bottom) = (w - 1, h - 1);
    [
        turned(w, h, &|x, y| (x, y)),
        turned(w, h, &|x, y| (right - x, y)),
        turned(w, h, &|x, y| (x, bottom - y)),
        turned(w, h, &|x, y| (right - x, bottom - y)),
        turned(h, w, &|x, y| (y, x)),
        turned(h, w, &|x, y| (right - y, x)),
        turned(h, w, &|x, y| (y, bottom - x)),
        turned(h, w, &|x, y| (right - y, bottom - x)),
    ]
}

/// The 16 x 16 bits read column by column.
fn by_columns(hash: [u8; 32]) -> [u8; 32] {
    let mut read = [0; 32];
    for (row, column) in (0..16).flat_map(|row| (0..16).map(move |column| (row, column))) {
        let [from, to] = [column * 16 + row, row * 16 + column];
        read[31 - to / 8] |= (hash[31 - from / 8] >> (from % 8) & 1) << (to % 8);
    }
    read
}

fn distance(one: [u8; 32], other: [u8; 32]) -> u32 {
    let bytes = one.iter().zip(other);
    bytes.map(|(one, other)| (one ^ other).count_ones()).sum()
}

proptest! {
    #[test]
    fn the_fast_form_samples_what_the_oracle_does((w, h, rgb) in picture()) {
        let view = RgbView::new(&rgb, w, h).unwrap();
        let (fast, slow) = (shrink::shrink(view), scalar::shrink(view));
        let [fast, slow] = [&fast, &slow].map(|ways| ways.as_flattened().as_flattened());
        for (fast, slow) in fast.as_flattened().iter().zip(slow.as_flattened()) {
            prop_assert!((fast - slow).abs() < 0.002, "{fast} for {slow}");
        }
    }
}

fn picture() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
    (5_u32..300, 5_u32..300).prop_flat_map(|(w, h)| {
        let rgb = proptest::collection::vec(any::<u8>(), (w * h * 3) as usize);
        (Just(w), Just(h), rgb)
    })
}

fn oracle(view: RgbView<'_>) -> Pdq {
    of_samples(&scalar::shrink(view))
}

fn drawn(draw: Draw, w: u32, h: u32) -> Vec<u8> {
    let places = (0..h).flat_map(|y| (0..w).flat_map(move |x| (0..3).map(move |c| (x, y, c))));
    places
        .map(|(x, y, c)| draw(x, y, c, w, h).to_le_bytes()[0])
        .collect()
}

fn tiles(x: u32, y: u32, c: u32, w: u32, h: u32) -> u32 {
    let (column, row) = (x * 9 / w, y * 7 / h);
    31 * column * column + 17 * row * row + 7 * column * row + 53 * c
}

fn rings(x: u32, y: u32, c: u32, w: u32, h: u32) -> u32 {
    let across = (2 * x + w / 5 + 1).abs_diff(w);
    let down = (2 * y).abs_diff(h + h.div_ceil(7));
    (across * across + down * down) * 300 / (w * w + h * h) + 20 * c
}

fn gradient(x: u32, y: u32, c: u32, w: u32, h: u32) -> u32 {
    x * 255 / (w - 1) + y * c * 40 / h
}

fn noise(x: u32, y: u32, c: u32, w: u32, _h: u32) -> u32 {
    (((y * w + x) * 3 + c).wrapping_mul(40503) % (1 << 24)) >> 16
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
