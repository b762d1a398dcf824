//! Quantisation and Huffman tables: parsed, checked, and written again only
//! where a scan uses them. A table nobody uses is a place to hide bytes in.

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

pub(in crate::stage) const DHT: u8 = 0xC4;
pub(in crate::stage) const DQT: u8 = 0xDB;

/// Which of the two kinds of Huffman table (T.81, B.2.4.2: Tc).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Class {
    Dc = 0,
    Ac = 1,
}

/// One of the four destinations of a kind of table.
#[derive(Debug, Default, Clone)]
struct Slot {
    defined: Option<Vec<u8>>,
    written: Option<Vec<u8>>,
}

impl Slot {
    /// Writes the table as a segment of its own unless the file has it already.
    fn write(&mut self, marker: u8, out: &mut Vec<u8>) -> Result<(), Reject> {
        let Some(table) = &self.defined else {
            return Err(malformed("a scan uses a table that was never defined"));
        };
        if self.written.as_ref() != Some(table) {
            super::write_segment(marker, table, out)?;
            self.written = Some(table.clone());
        }
        Ok(())
    }
}

/// The tables as they stand at one point of the file.
#[derive(Debug, Default)]
pub(in crate::stage) struct Tables {
    quantisation: [Slot; 4],
    huffman: [[Slot; 4]; 2],
}

impl Tables {
    /// Reads a DQT segment, which may define several tables (B.2.4.1).
    pub(in crate::stage) fn define_quantisation(&mut self, payload: &[u8]) -> Result<(), Reject> {
        let mut cursor = Cursor::new(payload);
        while !cursor.is_empty() {
            let head = cursor.u8()?;
            let (precision, id) = (head >> 4, usize::from(head & 15));
            let slot = self.quantisation.get_mut(id).filter(|_| precision <= 1);
            let slot = slot.ok_or(malformed("a quantisation table of an unknown kind"))?;
            let steps = cursor
                .take(64 << precision)
                .map_err(|_| malformed("a quantisation table is too short"))?;
            slot.defined = Some([&[head], steps].concat());
        }
        Ok(())
    }

    /// Reads a DHT segment, which may define several tables (B.2.4.2).
    pub(in crate::stage) fn define_huffman(&mut self, payload: &[u8]) -> Result<(), Reject> {
        let mut cursor = Cursor::new(payload);
        while !cursor.is_empty() {
            let head = cursor.u8()?;
            let slot = self.huffman.get_mut(usize::from(head >> 4));
            let slot = slot.and_then(|slots| slots.get_mut(usize::from(head & 15)));
            let slot = slot.ok_or(malformed("a Huffman table of an unknown kind"))?;
            slot.defined = Some(huffman_table(head, &mut cursor)?);
        }
        Ok(())
    }

    /// The bytes of quantisation table `id`: precision and id, then its steps.
    pub(in crate::stage) fn quantisation(&self, id: usize) -> Option<&[u8]> {
        self.quantisation[id & 3].defined.as_deref()
    }

    /// The bytes of Huffman table `id` of `class`: class and id, 16 counts, then
    /// the symbols. They make a prefix code.
    pub(in crate::stage) fn huffman(&self, class: Class, id: usize) -> Option<&[u8]> {
        self.huffman[class as usize][id & 3].defined.as_deref()
    }

    /// Writes quantisation table `id` if it was defined and is not there yet.
    pub(super) fn write_quantisation(
        &mut self,
        id: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Reject> {
        self.quantisation[id & 3].write(DQT, out)
    }

    /// Writes Huffman table `id` of `class` if it is not there yet.
    pub(super) fn write_huffman(
        &mut self,
        class: Class,
        id: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Reject> {
        self.huffman[class as usize][id & 3].write(DHT, out)
    }
}

/// Counts and symbols of one table; the counts must make a prefix code (C.2).
fn huffman_table(head: u8, cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Reject> {
    const BROKEN: Reject = malformed("a Huffman table is not a code");
    let counts: [u8; 16] = cursor.array().map_err(|_| BROKEN)?;
    let mut codes_left: u32 = 1;
    for count in counts {
        codes_left = (codes_left * 2)
            .checked_sub(u32::from(count))
            .ok_or(BROKEN)?;
        // No code may be all ones (T.81, C.2): decoders refuse such a table.
        if count > 0 && codes_left == 0 {
            return Err(BROKEN);
        }
    }
    let n_symbols: usize = counts.iter().copied().map(usize::from).sum();
    if n_symbols > 256 {
        return Err(BROKEN);
    }
    let symbols = cursor.take(n_symbols).map_err(|_| BROKEN)?;
    // How many bits a DC takes; they refuse more even where no block needs it.
    let is_dc = head >> 4 == 0;
    if is_dc && symbols.iter().any(|symbol| *symbol > 15) {
        return Err(BROKEN);
    }
    Ok([&[head][..], &counts, symbols].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_code(head: u8, counts: &[u8], symbols: &[u8]) -> bool {
        let mut all = [0; 16];
        all[..counts.len()].copy_from_slice(counts);
        let table = [&[head][..], &all, symbols].concat();
        Tables::default().define_huffman(&table).is_ok()
    }

    #[test]
    fn tables_that_decoders_refuse_are_no_codes() {
        assert!(is_code(0x10, &[1, 1], &[1, 2]));
        assert!(!is_code(0x10, &[2], &[1, 2]), "a code of all ones");
        assert!(!is_code(0x10, &[0, 4], &[1, 2, 3, 4]), "a code of all ones");
        assert!(
            !is_code(0x10, &[1, 3], &[1, 2, 3, 4]),
            "more than there are"
        );
        assert!(is_code(0x00, &[1], &[15]) && is_code(0x10, &[1], &[16]));
        assert!(!is_code(0x00, &[1], &[16]), "a DC of sixteen bits");
    }
}
