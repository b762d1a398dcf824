//! The places of GIF.

use super::List;
use crate::picture::{Picture, animation};

/// Signature, screen, and a table of 256 colours.
const HEADER_END: usize = 13 + 768;
/// A picture names 216 of them.
const COLOURS: usize = 216;

pub(super) fn plain() -> Vec<u8> {
    animation(&[Picture::scene(96, 64, 47)])
}

pub(super) fn plain_animation() -> Vec<u8> {
    animation(&[
        Picture::scene(96, 64, 48),
        Picture::scene(96, 64, 49),
        Picture::scene(96, 64, 50),
    ])
}

/// One carrier a place of a still.
pub(super) fn list(list: &mut List) {
    list_blocks(&plain(), list);
}

/// One carrier a place of an animation.
pub(super) fn list_animation(list: &mut List) {
    let file = plain_animation();
    list_blocks(&file, list);
    let between = |more: &[u8]| {
        let frame = file
            .windows(3)
            .rposition(|three| three == [0x21, 0xF9, 4])
            .expect("frames");
        [&file[..frame], more, &file[frame..]].concat()
    };
    list.stored("comment between frames", |marker| {
        between(&extension(&[0x21, 0xFE], &[marker]))
    });
    list.stored("plain text between frames", |marker| {
        between(&extension(
            b"\x21\x01",
            &[b"\0\0\0\0\x28\0\x18\0\x08\x08\x01\0", marker],
        ))
    });
    list.stored("second loop count", |marker| {
        between(&extension(
            b"\x21\xFF",
            &[b"NETSCAPE2.0", b"\x01\0\0", marker],
        ))
    });
}

fn list_blocks(file: &[u8], list: &mut List) {
    assert_eq!(file[10] & 0x87, 0x87, "a table of 256 colours");
    for (name, head, blocks) in [
        ("comment", [0x21, 0xFE], &[][..]),
        (
            "application nobody knows",
            [0x21, 0xFF],
            &[&b"PRIVATEDATA"[..]],
        ),
        ("ICC", [0x21, 0xFF], &[b"ICCRGBG1012"]),
        ("C2PA", [0x21, 0xFF], &[b"C2PA_GIF\x01\0\0"]),
        ("application without a name", [0x21, 0xFF], &[]),
        (
            "loop count with more blocks",
            [0x21, 0xFF],
            &[b"NETSCAPE2.0", b"\x01\0\0"],
        ),
        (
            "buffer size of a browser",
            [0x21, 0xFF],
            &[b"NETSCAPE2.0", b"\x02\0\0\0\0"],
        ),
        (
            "plain text",
            [0x21, 0x01],
            &[b"\0\0\0\0\x28\0\x18\0\x08\x08\x01\0"],
        ),
        ("extension nobody knows", [0x21, 0x77], &[]),
    ] {
        list.stored(name, |marker| {
            early(file, &extension(&head, &[blocks, &[marker]].concat()))
        });
    }
    list.stored("XMP", |marker| {
        // It is no sub-blocks: readers pass over it by a magic trailer.
        let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
        let xmp = [b"<x:xmpmeta>", marker, b"</x:xmpmeta>"].concat();
        early(
            file,
            &[b"\x21\xFF\x0BXMP DataXMP", &xmp[..], &trailer].concat(),
        )
    });
    list.stored("loop count in a longer block", |marker| {
        let block = [b"\x01\0\0", marker].concat();
        early(file, &extension(&[0x21, 0xFF], &[b"NETSCAPE2.0", &block]))
    });
    list.refused("graphic control with more blocks", |marker| {
        early(file, &extension(&[0x21, 0xF9], &[b"\0\0\0\0", marker]))
    });
    list.refused("graphic control in a longer block", |marker| {
        let block = [b"\0\0\0\0", marker].concat();
        early(file, &extension(&[0x21, 0xF9], &[&block]))
    });
    list.stored("comment before the end", |marker| {
        late(file, &extension(&[0x21, 0xFE], &[marker]))
    });
    list.stored("bytes behind the end", |marker| [file, marker].concat());
    list.stored("block behind the picture's end code", |marker| {
        // The chain's closing zero is put behind one more block.
        let end = file.len() - 2;
        [&file[..end], &block(marker), &file[end..]].concat()
    });
    list.stored("colours no pixel has", |marker| {
        let unused = 13 + 3 * COLOURS;
        let mut file = file.to_vec();
        file[unused..unused + marker.len()].copy_from_slice(marker);
        file
    });
    list.stored("colours of a second table no pixel has", |marker| {
        local_table(file, marker)
    });
}

/// The last frame with a table of its own, whose unused colours are the marker.
fn local_table(file: &[u8], marker: &[u8]) -> Vec<u8> {
    let descriptor = file
        .windows(10)
        .rposition(|ten| ten == [0x2C, 0, 0, 0, 0, 96, 0, 64, 0, 0])
        .expect("a frame");
    let mut table = file[13..13 + 3 * COLOURS].to_vec();
    table.extend_from_slice(marker);
    table.resize(768, 0);
    let flags = descriptor + 9;
    [&file[..flags], &[0x87], &table, &file[flags + 1..]].concat()
}

fn block(data: &[u8]) -> Vec<u8> {
    [&[u8::try_from(data.len()).expect("short")], data].concat()
}

/// An extension with these sub-blocks.
fn extension(head: &[u8], blocks: &[&[u8]]) -> Vec<u8> {
    let blocks: Vec<u8> = blocks.iter().flat_map(|data| block(data)).collect();
    [head, &blocks, &[0]].concat()
}

/// The file with more right behind its colours.
fn early(file: &[u8], more: &[u8]) -> Vec<u8> {
    [&file[..HEADER_END], more, &file[HEADER_END..]].concat()
}

/// The file with more right before its end.
fn late(file: &[u8], more: &[u8]) -> Vec<u8> {
    let end = file.len() - 1;
    [&file[..end], more, &file[end..]].concat()
}
