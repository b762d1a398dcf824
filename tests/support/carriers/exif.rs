//! Exif blocks as a phone writes them, with the marker in one place.

/// Where in the block the marker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Nowhere,
    Maker,
    Position,
    MakerNote,
    UserComment,
    Thumbnail,
    /// Between the directories, where no entry points.
    Gap,
}

const BYTE_TEXT: u16 = 2;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

/// A big-endian TIFF block: main directory, camera, position, thumbnail.
pub(super) fn block(place: Place, marker: &[u8]) -> Vec<u8> {
    let at = |here: Place, otherwise: &[u8]| {
        if here == place {
            marker.to_vec()
        } else {
            otherwise.to_vec()
        }
    };
    let thumbnail = [&[0xFF, 0xD8][..], &at(Place::Thumbnail, b""), &[0xFF, 0xD9]].concat();
    let mut block = b"MM\0*\0\0\0\x08".to_vec();
    let main = directory(
        &mut block,
        &[
            (0x010F, BYTE_TEXT, at(Place::Maker, b"Phone\0")),
            (0x8769, LONG, vec![0; 4]),
            (0x8825, LONG, vec![0; 4]),
        ],
    );
    let camera = directory(
        &mut block,
        &[
            (0x927C, UNDEFINED, at(Place::MakerNote, b"none\0\0")),
            (0x9286, UNDEFINED, at(Place::UserComment, b"ASCII\0\0\0")),
        ],
    );
    let position = directory(
        &mut block,
        &[
            (0x0001, BYTE_TEXT, b"N\0".to_vec()),
            (0x001B, UNDEFINED, at(Place::Position, b"none\0\0")),
        ],
    );
    block.extend(at(Place::Gap, b""));
    let thumbnail_at = block.len();
    block.extend_from_slice(&thumbnail);
    let second = directory(
        &mut block,
        &[
            (0x0201, LONG, number(thumbnail_at).to_vec()),
            (0x0202, LONG, number(thumbnail.len()).to_vec()),
        ],
    );
    // Values of the second and third entry, and the link behind the entries.
    for (offset, target) in [
        (2 + 12 + 8, camera),
        (2 + 24 + 8, position),
        (2 + 36, second),
    ] {
        block[main + offset..][..4].copy_from_slice(&number(target));
    }
    block
}

/// Appends a directory with the values that do not fit into its entries.
fn directory(block: &mut Vec<u8>, entries: &[(u16, u16, Vec<u8>)]) -> usize {
    let start = block.len();
    let mut values_at = start + 2 + 12 * entries.len() + 4;
    let mut values = Vec::new();
    block.extend(u16::try_from(entries.len()).expect("few").to_be_bytes());
    for (tag, kind, value) in entries {
        let width = if *kind == LONG { 4 } else { 1 };
        block.extend(tag.to_be_bytes());
        block.extend(kind.to_be_bytes());
        block.extend(number(value.len() / width));
        if value.len() <= 4 {
            let mut inline = value.clone();
            inline.resize(4, 0);
            block.extend(inline);
        } else {
            block.extend(number(values_at));
            values_at += value.len();
            values.extend_from_slice(value);
        }
    }
    block.extend([0; 4]);
    block.extend(values);
    start
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_be_bytes()
}
