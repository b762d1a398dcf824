//! Which entries of a colour table a pixel names. The others are shown nowhere,
//! and hold whatever was put there.

/// Entries of the largest table.
const COLOURS_MAX: usize = 256;

/// The colours that are named.
#[derive(Debug, Clone)]
pub(super) struct Used([bool; COLOURS_MAX]);

impl Default for Used {
    fn default() -> Self {
        Self([false; COLOURS_MAX])
    }
}

impl Used {
    pub(super) fn mark(&mut self, colour: u8) {
        self.0[usize::from(colour)] = true;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, others) in self.0.iter_mut().zip(other.0) {
            *mine |= others;
        }
    }

    /// Appends the table with black in place of the colours nothing names.
    pub(super) fn write_table(&self, table: &[u8], out: &mut Vec<u8>) {
        for (used, colour) in self.0.iter().zip(table.as_chunks::<3>().0) {
            out.extend_from_slice(if *used { colour } else { &[0; 3] });
        }
    }
}
