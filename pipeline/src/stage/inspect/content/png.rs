//! PNG: chunks in their order. A picture's data may be cut anywhere (11.2.3), and
//! the numbers of an animation's chunks follow from the cuts.

use std::io::Read;

use flate2::bufread::ZlibDecoder;

use super::{Part, Reader, whole};

/// What is inflated of a profile; ours are much smaller.
const PROFILE_BYTES_MAX: u64 = 1 << 20;

pub(super) fn parts(file: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut reader = Reader::new(file);
    reader.take(8)?;
    let mut parts: Vec<Part<'_>> = Vec::new();
    loop {
        let length = usize::try_from(u32::from_be_bytes(reader.array()?)).ok()?;
        let name: [u8; 4] = reader.array()?;
        let data = reader.take(length)?;
        let _checked_by_the_path: [u8; 4] = reader.array()?;
        match &name {
            b"IDAT" | b"fdAT" => {
                let data = if name == *b"fdAT" {
                    data.get(4..)?
                } else {
                    data
                };
                match parts.last_mut().filter(|(last, _)| *last == name) {
                    Some((_, before)) => before.to_mut().extend_from_slice(data),
                    None => parts.push(whole(name, data)),
                }
            }
            b"fcTL" => parts.push(whole(name, data.get(4..)?)),
            b"iCCP" => parts.push((name, profile(data)?.into())),
            b"IEND" => break,
            _ => parts.push(whole(name, data)),
        }
    }
    reader.rest().is_empty().then_some(parts)
}

/// A profile's name and what it holds, with nothing behind its stream.
fn profile(data: &[u8]) -> Option<Vec<u8>> {
    let name_length = data.iter().position(|byte| *byte == 0)?;
    let (name, rest) = data.split_at(name_length);
    let stream = rest.strip_prefix(&[0, 0])?;
    let mut held = name.to_vec();
    let mut inflate = ZlibDecoder::new(stream).take(PROFILE_BYTES_MAX);
    inflate.read_to_end(&mut held).ok()?;
    inflate.into_inner().into_inner().is_empty().then_some(held)
}
