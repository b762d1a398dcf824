use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::super::fixtures::{
    has_marker, odd_profile, png_carriers, profile as source_profile, with_chunks,
};
use super::super::icc::{self, NOT_CONVERTED, Space};
use super::*;
use crate::item::Header;
use crate::stage::testing::{PngFrame, apng, png, png_chunk};

/// The data of the first chunk of a name.
fn chunk_data<'a>(png: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(&png[8..]);
    while let Ok(chunk) = Chunk::read(&mut cursor) {
        if chunk.name == *name {
            return Some(chunk.data);
        }
    }
    None
}

fn refused(file: &[u8]) -> bool {
    matches!(rebuild(file), Err(Reject::Malformed { .. }))
}

#[test]
fn p02_only_the_picture_passes_the_second_look() {
    let inside_the_picture = [
        "png behind the compressed picture",
        "png inside the compressed picture",
        "png unused palette",
        "png unused colours",
    ];
    for (name, file) in png_carriers() {
        assert_eq!(
            verify(&file).is_ok(),
            inside_the_picture.contains(&name),
            "{name}"
        );
        let clean = rebuild(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(verify(&clean).is_ok() && !has_marker(&clean), "{name}");
    }
}

#[test]
fn compressed_data_is_copied_byte_for_byte() {
    let (before, after) = (png(40, 24), rebuild(&png(40, 24)).expect("a clean file"));
    assert_eq!(chunk_data(&before, b"IDAT"), chunk_data(&after, b"IDAT"));
}

#[test]
fn picture_data_in_many_chunks_is_joined() {
    let plain = png(40, 24);
    let data = chunk_data(&plain, b"IDAT").expect("a picture");
    let at = plain
        .windows(4)
        .position(|name| name == b"IDAT")
        .expect("a picture")
        - 4;
    let pieces: Vec<u8> = data
        .chunks(5)
        .flat_map(|piece| png_chunk(b"IDAT", piece))
        .collect();
    let split = [
        &plain[..at],
        &pieces,
        &png_chunk(b"IDAT", &[]),
        &png_chunk(b"IEND", &[]),
    ]
    .concat();
    assert_eq!(rebuild(&split), rebuild(&plain));
}

/// `cHRM`'s numbers: white, red, green, blue.
fn chromaticities(numbers: [u32; 8]) -> Vec<u8> {
    png_chunk(b"cHRM", numbers.map(u32::to_be_bytes).as_flattened())
}

const OF_SRGB: [u32; 8] = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000];
const OF_P3: [u32; 8] = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000];

fn gamma(number: u32) -> Vec<u8> {
    png_chunk(b"gAMA", &number.to_be_bytes())
}

/// What stands between header and picture in the scrubbed file.
fn said(chunks: &[u8]) -> Result<Vec<u8>, Reject> {
    let clean = rebuild(&with_chunks(&png(40, 24), chunks))?;
    assert!(verify(&clean).is_ok());
    let picture = clean.windows(4).position(|name| name == b"IDAT");
    Ok(clean[33..picture.expect("a picture") - 4].to_vec())
}

#[test]
fn colours_are_said_in_one_short_way() {
    let srgb = png_chunk(b"sRGB", &[0]);
    for statement in [
        png_chunk(b"sRGB", &[2]),
        png_chunk(b"cICP", &[1, 13, 0, 1]),
        gamma(45_455),
        gamma(45_455 + 300),
        chromaticities(OF_SRGB),
        [gamma(45_455), chromaticities(OF_SRGB)].concat(),
        // sRGB counts before what would mean something else.
        [gamma(100_000), png_chunk(b"sRGB", &[0])].concat(),
    ] {
        assert_eq!(said(&statement), Ok(srgb.clone()));
    }
    let profile = |space: Space| {
        let packed = space.profile().and_then(profile::pack).expect("a profile");
        png_chunk(b"iCCP", &packed)
    };
    for (statement, space) in [
        (
            [gamma(45_455), chromaticities(OF_P3)].concat(),
            Space::DisplayP3,
        ),
        (png_chunk(b"cICP", &[12, 13, 0, 1]), Space::DisplayP3),
        (profile(Space::AdobeRgb), Space::AdobeRgb),
    ] {
        assert_eq!(said(&statement), Ok(profile(space)));
    }
    // Brighter than a profile can say.
    let bright = png_chunk(b"cICP", &[9, 16, 0, 1]);
    assert_eq!(said(&[bright.clone(), gamma(45_455)].concat()), Ok(bright));
}

#[test]
fn density_is_kept_and_what_is_illegal_is_not() {
    let density = png_chunk(b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]);
    assert_eq!(said(&density), Ok(density));
    for dropped in [
        png_chunk(b"pHYs", b"so dense\x01"),
        png_chunk(b"cICP", &[12, 13, 1, 1]),
        png_chunk(b"cICP", &[77, 13, 0, 1]),
        png_chunk(b"gAMA", b"too long"),
        gamma(0),
        gamma(u32::MAX),
        chromaticities([0; 8]),
        chromaticities([u32::MAX; 8]),
        png_chunk(b"cHRM", &[1; 32]),
        png_chunk(b"sRGB", &[9]),
        png_chunk(b"sBIT", &[8, 8, 8]),
        png_chunk(b"bKGD", &[0; 6]),
    ] {
        assert_eq!(said(&dropped), Ok(Vec::new()));
    }
}

#[test]
fn colours_of_its_own_do_not_pass() {
    let packed = |profile: &[u8]| png_chunk(b"iCCP", &profile::pack(profile).expect("memory"));
    for odd in [
        gamma(100_000),
        [
            gamma(45_455),
            chromaticities([34567, 35850, 61000, 34000, 28000, 60000, 15000, 7000]),
        ]
        .concat(),
        packed(&odd_profile()),
    ] {
        assert_eq!(said(&odd), Err(NOT_CONVERTED));
    }
}

#[test]
fn p02_a_profile_is_renamed_and_replaced() {
    let packed = profile::pack(&source_profile()).expect("memory");
    let named = [
        b"Some One's Display".as_slice(),
        &packed[profile::NAME.len() - 1..],
    ]
    .concat();
    let file = with_chunks(&png(40, 24), &png_chunk(b"iCCP", &named));
    let clean = rebuild(&file).expect("a clean file");
    let data = chunk_data(&clean, b"iCCP").expect("the profile");
    assert!(data.starts_with(profile::NAME));
    let unpacked = profile::unpack(data).expect("a zlib stream");
    assert_eq!(Some(&unpacked[..]), Space::AdobeRgb.profile());
}

#[test]
fn a_profile_that_unpacks_to_more_than_the_limit_is_dropped() {
    let bomb = profile::pack(&vec![0; icc::PROFILE_BYTES_MAX * 4]).expect("memory");
    let file = with_chunks(&png(40, 24), &png_chunk(b"iCCP", &bomb));
    assert_eq!(rebuild(&file), rebuild(&png(40, 24)));
}

#[test]
fn critical_chunks_must_be_known_whole_and_in_place() {
    let plain = png(40, 24);
    assert!(refused(&with_chunks(&plain, &png_chunk(b"WHAT", b""))));
    let mut wrong_crc = plain.clone();
    wrong_crc[29] ^= 1;
    assert!(refused(&wrong_crc));
    let data = chunk_data(&plain, b"IDAT").expect("a picture");
    let at = plain
        .windows(4)
        .position(|name| name == b"IDAT")
        .expect("a picture")
        - 4;
    let interrupted = [
        &plain[..at],
        &png_chunk(b"IDAT", &data[..9]),
        &png_chunk(b"tEXt", b"a\0b"),
        &png_chunk(b"IDAT", &data[9..]),
        &png_chunk(b"IEND", &[]),
    ]
    .concat();
    assert!(refused(&interrupted));
    assert_eq!(rebuild(&plain[..plain.len() - 12]), Err(Reject::Truncated));
}

#[test]
fn a_picture_with_too_few_rows_is_cut_off() {
    let mut taller = png(40, 24);
    let header = ImageHeader {
        height: 25,
        ..ImageHeader::parse(&taller[16..29]).expect("legal")
    };
    let header = png_chunk(b"IHDR", &header.data());
    taller[8..33].copy_from_slice(&header);
    assert_eq!(rebuild(&taller), Err(Reject::Truncated));
}

#[test]
fn p02_colours_no_pixel_has_are_black_and_opaque() {
    for (depth, interlaced) in [(1, false), (2, true), (4, false), (8, true)] {
        let header = ImageHeader {
            width: 5,
            height: 3,
            depth,
            colour: ImageHeader::INDEXED,
            interlaced,
        };
        // The first pixel is 1, all others 0.
        let raw_bytes = header.raw_bytes(5, 3).expect("small");
        let mut rows = vec![0; usize::try_from(raw_bytes).expect("small")];
        rows[1] = 1 << (8 - depth);
        let used = colours_of(&rows, &header);
        assert_eq!(used.palette(b"aaabbbccc"), b"aaabbb\0\0\0", "{depth}");
        assert_eq!(used.alphas(&[5, 6, 7]), [5, 6, 255], "{depth}");
    }
}

fn colours_of(rows: &[u8], header: &ImageHeader) -> Used {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(rows).expect("memory");
    let stream = encoder.finish().expect("memory");
    let mut used = Used::none();
    let size = (header.width, header.height);
    used.mark(&stream, header, size).expect("whole rows");
    used
}

#[test]
fn raw_bytes_follow_the_passes_of_adam7() {
    let header = |colour, depth, interlaced| ImageHeader {
        width: 9,
        height: 9,
        depth,
        colour,
        interlaced,
    };
    // Nine rows of a filter byte and nine RGB pixels.
    assert_eq!(header(2, 8, false).raw_bytes(9, 9), Ok(9 * 28));
    // Pass by pass: columns x rows of 2x2, 1x2, 3x1, 2x3, 5x2, 4x5, 9x4.
    let rows = [(2, 2), (1, 2), (3, 1), (2, 3), (5, 2), (4, 5), (9, 4)];
    let expected: u64 = rows
        .iter()
        .map(|(columns, rows)| (1 + columns) * rows)
        .sum();
    assert_eq!(header(0, 8, true).raw_bytes(9, 9), Ok(expected));
    // Five columns do not reach the second pass's first, and a bit is a byte.
    assert_eq!(header(0, 1, true).raw_bytes(1, 1), Ok(2));
    assert!(header(6, 16, false).raw_bytes(u32::MAX, u32::MAX).is_err());
}

#[test]
fn animations_keep_frames_and_lose_what_is_between() {
    let file = apng(&PngFrame::plain_colours(40, 24), (40, 24), false);
    let clean = rebuild(&file).expect("a clean file");
    assert_eq!(
        verify(&clean),
        Ok(Header {
            width: 40,
            height: 24,
            frames: 3
        })
    );
    let announced = file
        .windows(4)
        .position(|name| name == b"acTL")
        .expect("animated")
        + 4;
    let mut more = file.clone();
    let control = png_chunk(b"acTL", &[0, 0, 0, 4, 0, 0, 0, 0]);
    more[announced - 8..announced + 12].copy_from_slice(&control);
    assert!(refused(&more));
}
