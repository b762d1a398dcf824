//! The places of WebP.

use super::exif::{self, Place};
use super::{List, icc};
use crate::picture::{Format, Picture};

/// Sides of the lossy fixtures.
const LOSSY: (u16, u16) = (40, 24);
const LOSSLESS: (u16, u16) = (96, 64);

const FLAG_ICC: u8 = 0x20;
const FLAG_ALPHA: u8 = 0x10;
const FLAG_EXIF: u8 = 0x08;
const FLAG_XMP: u8 = 0x04;
const FLAG_ANIMATION: u8 = 0x02;

pub(super) fn plain() -> Vec<u8> {
    Picture::scene(LOSSLESS.0, LOSSLESS.1, 51).encode(Format::Webp)
}

pub(super) fn plain_lossy() -> Vec<u8> {
    include_bytes!("../../fixtures/lossy.webp").to_vec()
}

pub(super) fn plain_animation() -> Vec<u8> {
    animation(&[], &[], &[])
}

/// One carrier a place of a lossless still.
pub(super) fn list(list: &mut List) {
    let picture = plain()[12..].to_vec();
    list_chunks(&picture, LOSSLESS, list);
    list.stored("behind a lossless bitstream", |marker| {
        file(&longer(&picture, marker))
    });
    list.refused("alpha plane beside a lossless picture", |marker| {
        let plane = chunk(b"ALPH", &[&[1], marker].concat());
        file(&[canvas(FLAG_ALPHA, LOSSLESS), plane, picture.clone()].concat())
    });
}

/// One carrier a place of a lossy still, with and without an alpha plane.
pub(super) fn list_lossy(list: &mut List) {
    let picture = plain_lossy()[12..].to_vec();
    list_chunks(&picture, LOSSY, list);
    list.stored("behind a lossy bitstream", |marker| {
        file(&longer(&picture, marker))
    });
    let with_alpha = |plane: &[u8]| {
        let plane = chunk(b"ALPH", plane);
        file(&[canvas(FLAG_ALPHA, LOSSY), plane, picture.clone()].concat())
    };
    list.stored("behind an alpha plane as it is", |marker| {
        with_alpha(&[&[0], &[200; 40 * 24][..], marker].concat())
    });
    list.stored("behind a compressed alpha plane", |marker| {
        let whole = include_bytes!("../../fixtures/lossy_alpha.webp");
        let at = whole
            .windows(4)
            .position(|name| name == b"ALPH")
            .expect("a plane");
        let length = u32::from_le_bytes(*whole[at + 4..].first_chunk().expect("a chunk"));
        let end = at + 8 + usize::try_from(length).expect("small");
        with_alpha(&[&whole[at + 8..end], marker].concat())
    });
}

/// One carrier a place of an animation.
pub(super) fn list_animation(list: &mut List) {
    list.stored("unknown chunk in a frame", |marker| {
        animation(&chunk(b"what", marker), &[], &[])
    });
    list.stored("Exif in a frame", |marker| {
        animation(
            &chunk(b"EXIF", &exif::block(Place::Maker, marker)),
            &[],
            &[],
        )
    });
    list.stored("unknown chunk between frames", |marker| {
        animation(&[], &chunk(b"what", marker), &[])
    });
    list.stored("Exif behind the frames", |marker| {
        let block = exif::block(Place::Position, marker);
        animation(&[], &[], &chunk(b"EXIF", &block))
    });
    list.stored("XMP behind the frames", |marker| {
        animation(&[], &[], &chunk(b"XMP ", marker))
    });
    list.stored("bytes behind the end", |marker| {
        [plain_animation(), marker.to_vec()].concat()
    });
    list.stored("animation control with more in it", |marker| {
        let plain = plain_animation();
        let at = plain
            .windows(4)
            .position(|name| name == b"ANIM")
            .expect("a control");
        let control = chunk(b"ANIM", &[&plain[at + 8..at + 14], marker].concat());
        file(&[&plain[12..at], &control, &plain[at + 14..]].concat())
    });
    list.stored("behind a frame's bitstream", |marker| {
        let still = plain()[12..].to_vec();
        frames(&[still.clone(), longer(&still, marker)], &[], &[])
    });
}

fn list_chunks(picture: &[u8], sides: (u16, u16), list: &mut List) {
    let on_canvas = |flags: u8, before: &[u8], after: &[u8]| {
        file(&[&canvas(flags, sides), before, picture, after].concat())
    };
    for (name, place) in [
        ("Exif maker", Place::Maker),
        ("Exif position", Place::Position),
        ("Exif maker note", Place::MakerNote),
        ("Exif thumbnail", Place::Thumbnail),
    ] {
        list.stored(name, |marker| {
            let exif = chunk(b"EXIF", &exif::block(place, marker));
            on_canvas(FLAG_EXIF, &[], &exif)
        });
    }
    list.stored("Exif without its flag", |marker| {
        on_canvas(0, &[], &chunk(b"EXIF", &exif::block(Place::Maker, marker)))
    });
    list.stored("Exif behind a simple picture", |marker| {
        let exif = chunk(b"EXIF", &exif::block(Place::Maker, marker));
        file(&[picture, &exif].concat())
    });
    list.stored("XMP", |marker| {
        on_canvas(FLAG_XMP, &[], &chunk(b"XMP ", marker))
    });
    list.stored("unknown chunk", |marker| {
        on_canvas(0, &[], &chunk(b"what", marker))
    });
    list.stored("unknown chunk before the picture", |marker| {
        on_canvas(0, &chunk(b"what", marker), &[])
    });
    list.stored("second picture", |marker| {
        on_canvas(0, &[], &longer(picture, marker))
    });
    list.stored("canvas with more in it", |marker| {
        let plain = canvas(0, sides);
        let longer = chunk(b"VP8X", &[&plain[8..], marker].concat());
        file(&[&longer, picture].concat())
    });
    for (name, place) in icc::PLACES {
        list.recoloured(name, |marker| {
            let profile = chunk(b"ICCP", &icc::profile(place, marker));
            on_canvas(FLAG_ICC, &profile, &[])
        });
    }
    list.stored("ICC that is damaged", |marker| {
        on_canvas(FLAG_ICC, &chunk(b"ICCP", marker), &[])
    });
    list.stored("bytes behind the end", |marker| {
        [file(picture), marker.to_vec()].concat()
    });
    list.stored("second container behind the end", |marker| {
        [file(picture), file(&chunk(b"XMP ", marker))].concat()
    });
}

/// Two frames, with chunks in the last, before it, and behind it.
fn animation(within: &[u8], between: &[u8], behind: &[u8]) -> Vec<u8> {
    let still =
        |seed| Picture::scene(LOSSLESS.0, LOSSLESS.1, seed).encode(Format::Webp)[12..].to_vec();
    frames(
        &[still(52), [still(53), within.to_vec()].concat()],
        between,
        behind,
    )
}

fn frames(pictures: &[Vec<u8>; 2], between: &[u8], behind: &[u8]) -> Vec<u8> {
    let frame = |picture: &[u8]| {
        let [width, height] = [LOSSLESS.0, LOSSLESS.1].map(|side| u24(u32::from(side) - 1));
        let head = [&[0; 6][..], &width, &height, &u24(100), &[0b10]].concat();
        chunk(b"ANMF", &[&head, picture].concat())
    };
    file(
        &[
            &canvas(FLAG_ANIMATION, LOSSLESS),
            &chunk(b"ANIM", &[0; 6])[..],
            &frame(&pictures[0]),
            between,
            &frame(&pictures[1]),
            behind,
        ]
        .concat(),
    )
}

fn canvas(flags: u8, (width, height): (u16, u16)) -> Vec<u8> {
    let [width, height] = [width, height].map(|side| u24(u32::from(side) - 1));
    chunk(b"VP8X", &[&[flags, 0, 0, 0][..], &width, &height].concat())
}

/// The file of these chunks.
fn file(chunks: &[u8]) -> Vec<u8> {
    chunk(b"RIFF", &[b"WEBP", chunks].concat())
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("small");
    let mut chunk = [name, &length.to_le_bytes()[..], data].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// The first chunk with more data in it.
fn longer(chunks: &[u8], more: &[u8]) -> Vec<u8> {
    let name = chunks.first_chunk().expect("a chunk");
    let length = u32::from_le_bytes(*chunks[4..].first_chunk().expect("a chunk"));
    let end = 8 + usize::try_from(length).expect("small");
    chunk(name, &[&chunks[8..end], more].concat())
}

fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}
