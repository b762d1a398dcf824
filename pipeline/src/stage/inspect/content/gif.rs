//! GIF: the screen, the frames, how often they are shown. Data is cut into
//! sub-blocks as a writer likes, the version says no more than what follows, and
//! the loop count may stand before any frame.

use super::{Part, Reader, whole};

const HAS_TABLE: u8 = 0x80;

pub(super) fn parts(file: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut reader = Reader::new(file);
    let _version = reader.take(6)?;
    let screen = reader.take(7)?;
    let mut parts = vec![
        whole(*b"scrn", screen),
        whole(*b"tabl", table(&mut reader, screen[4])?),
    ];
    let mut loops = Vec::new();
    loop {
        match reader.byte()? {
            0x21 => match reader.byte()? {
                0xF9 => parts.push((*b"ctrl", data(&mut reader)?.into())),
                0xFF => {
                    if reader.take(12)? != b"\x0BNETSCAPE2.0" || !loops.is_empty() {
                        return None;
                    }
                    loops = data(&mut reader)?;
                }
                _ => return None,
            },
            0x2C => {
                let descriptor = reader.take(9)?;
                parts.push(whole(*b"fram", descriptor));
                parts.push(whole(*b"tabl", table(&mut reader, descriptor[8])?));
                let code_bits = reader.take(1)?;
                parts.push((*b"data", [code_bits, &data(&mut reader)?].concat().into()));
            }
            0x3B => break,
            _ => return None,
        }
    }
    parts.push((*b"loop", loops.into()));
    reader.rest().is_empty().then_some(parts)
}

fn table<'a>(reader: &mut Reader<'a>, flags: u8) -> Option<&'a [u8]> {
    if flags & HAS_TABLE == 0 {
        return Some(&[]);
    }
    reader.take(3 << ((flags & 7) + 1))
}

/// Sub-blocks put together.
fn data(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let length = usize::from(reader.byte()?);
        if length == 0 {
            return Some(data);
        }
        data.extend_from_slice(reader.take(length)?);
    }
}
