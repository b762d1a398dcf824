//! JPEG: the frame, and each scan with the tables it names. Where the tables stand
//! before that, and how many stand in one segment, says nothing; one that no scan
//! names before another takes its place would say something, and so would the
//! number of fill bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Part, Reader, whole};

/// Tables by class and number; class 2 stands for quantisation.
#[derive(Default)]
struct Tables<'a> {
    in_force: BTreeMap<(u8, u8), &'a [u8]>,
    unused: BTreeSet<(u8, u8)>,
}

pub(super) fn parts(file: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut reader = Reader::new(file);
    if reader.take(2)? != [0xFF, 0xD8] {
        return None;
    }
    let (mut parts, mut tables) = (Vec::new(), Tables::default());
    let (mut frame, mut restarts): (&[u8], &[u8]) = (&[], &[0, 0]);
    let mut restarts_unused = false;
    loop {
        let marker = marker(&mut reader)?;
        if marker == 0xD9 {
            break;
        }
        let length = usize::from(u16::from_be_bytes(reader.array()?));
        let payload = reader.take(length.checked_sub(2)?)?;
        match marker {
            0xDB => tables.define(payload, |table| match table[0] >> 4 {
                0 => Some((2, 65)),
                1 => Some((2, 129)),
                _ => None,
            })?,
            0xC4 => tables.define(payload, |table| {
                let counts = table.get(1..17)?;
                let n_symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
                Some((table[0] >> 4, 17 + n_symbols)).filter(|(class, _)| *class < 2)
            })?,
            0xDD => {
                if restarts_unused {
                    return None;
                }
                (restarts, restarts_unused) = (payload, true);
            }
            0xC0..=0xC2 => {
                frame = payload;
                parts.push(whole([0, 0, 0, marker], payload));
            }
            0xDA => {
                restarts_unused = false;
                parts.extend(tables.named(frame, payload)?);
                parts.push(whole(*b"rest", restarts));
                parts.push(whole(*b"scan", payload));
                parts.push(whole(*b"data", coded(&mut reader)?));
            }
            // Density and colour transform: a version says nothing.
            0xE0 => parts.push(whole(
                *b"JFIF",
                payload.strip_prefix(b"JFIF\0\x01")?.get(1..)?,
            )),
            0xEE => parts.push(whole(*b"Adob", payload)),
            0xE2 => parts.push(whole(*b"APP2", payload)),
            _ => return None,
        }
    }
    let all_used = tables.unused.is_empty() && !restarts_unused;
    (all_used && reader.rest().is_empty()).then_some(parts)
}

impl<'a> Tables<'a> {
    /// Takes the tables of a segment; `shape` tells class and length of the next.
    fn define(
        &mut self,
        mut rest: &'a [u8],
        shape: impl Fn(&[u8]) -> Option<(u8, usize)>,
    ) -> Option<()> {
        while let Some(first) = rest.first() {
            let (class, length) = shape(rest)?;
            let key = (class, first & 15);
            let (table, after) = rest.split_at_checked(length)?;
            // One that is repeated must be used again, or its number says something.
            self.in_force.insert(key, table);
            if !self.unused.insert(key) {
                return None;
            }
            rest = after;
        }
        Some(())
    }

    /// The tables that a scan names, in the order of its components.
    fn named(&mut self, frame: &[u8], scan: &[u8]) -> Option<Vec<Part<'a>>> {
        let n_components = usize::from(*scan.first()?);
        let components = scan.get(1..1 + 2 * n_components)?;
        let mut parts = Vec::new();
        for pair in components.chunks_exact(2) {
            let mut of_frame = frame.get(6..)?.chunks_exact(3);
            let quantisation = of_frame.find(|component| component[0] == pair[0])?[2];
            for key in [(2, quantisation), (0, pair[1] >> 4), (1, pair[1] & 15)] {
                self.unused.remove(&key);
                let table = self.in_force.get(&key).copied().unwrap_or_default();
                parts.push(whole(*b"tabl", table));
            }
        }
        Some(parts)
    }
}

/// The next marker, without fill bytes before it (B.1.1.2).
fn marker(reader: &mut Reader<'_>) -> Option<u8> {
    let [0xFF, marker] = reader.array()? else {
        return None;
    };
    (marker != 0xFF).then_some(marker)
}

/// Coded data with its restart markers, up to the next other marker.
fn coded<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let rest = reader.rest();
    let end = rest
        .windows(2)
        .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF))?;
    // Fill bytes belong to the marker.
    let filled = rest[..end].iter().rev().take_while(|byte| **byte == 0xFF);
    let end = end - filled.count();
    reader.take(end)
}
