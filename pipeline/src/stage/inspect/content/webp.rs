//! WebP: chunks in their order. The header of the extended format repeats what
//! they say, so that a file without it may hold the same.

use super::{Part, Reader, whole};

const ALPHA: u8 = 0x10;
const ANIMATION: u8 = 0x02;

pub(super) fn parts(file: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut reader = Reader::new(file);
    let [b'R', b'I', b'F', b'F', length @ .., b'W', b'E', b'B', b'P'] = reader.array::<12>()?
    else {
        return None;
    };
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    if length.checked_add(8)? != file.len() {
        return None;
    }
    let mut parts = Vec::new();
    while !reader.rest().is_empty() {
        let name = reader.array()?;
        let length = usize::try_from(u32::from_le_bytes(reader.array()?)).ok()?;
        let data = reader.take(length)?;
        if length % 2 == 1 && reader.byte()? != 0 {
            return None;
        }
        match (&name, data) {
            // The canvas has the size of the picture: the path has seen to that.
            (b"VP8X", [flags, 0, 0, 0, ..]) if data.len() == 10 => {
                if flags & !(ALPHA | ANIMATION) != 0 || !parts.is_empty() {
                    return None;
                }
            }
            (b"VP8X", _) => return None,
            _ => parts.push(whole(name, data)),
        }
    }
    Some(parts)
}
