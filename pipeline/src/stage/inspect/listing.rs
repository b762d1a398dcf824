//! The list that is made, and how the listers read: positions are kept, and
//! nothing is ever read past the end.

/// Most parts that are named one by one. A file with more is either damaged or
/// made to be hostile.
pub const PARTS_MAX: usize = 1_000;

/// Something in a file that is not its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What it is, in words that quote nothing from the file.
    pub what: &'static str,
    /// Where it begins, in bytes from the start of the file.
    pub offset: usize,
    /// How long it is, in bytes.
    pub bytes: usize,
}

/// The parts found so far.
#[derive(Debug, Default)]
pub(super) struct Listing {
    parts: Vec<Part>,
    omitted: u64,
}

impl Listing {
    pub(super) fn add(&mut self, what: &'static str, offset: usize, bytes: usize) {
        if self.parts.len() < PARTS_MAX {
            self.parts.push(Part {
                what,
                offset,
                bytes,
            });
        } else {
            self.omitted += 1;
        }
    }

    /// The parts in the order of the file, and how many more there were.
    pub(super) fn into_parts(mut self) -> (Vec<Part>, u64) {
        self.parts.sort_by_key(|part| part.offset);
        (self.parts, self.omitted)
    }
}

/// A file that is read from a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..length)?;
        self.at += length;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }
}
