//! Memory that starts at a cache line, so that no vector straddles two.

use std::mem::size_of;

use super::super::isa::LANES;

const LINE_BYTES: usize = 64;

/// Values of four bytes from the start of a cache line on.
#[derive(Debug, Default)]
pub(super) struct Aligned<T> {
    values: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// `len` zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let spare = LINE_BYTES / size_of::<T>();
        let values = vec![T::default(); len + spare];
        // The vector is never grown, so it stays where it is.
        let start = values.as_ptr().align_offset(LINE_BYTES).min(spare);
        Self { values, start, len }
    }

    pub(super) fn values(&self) -> &[T] {
        &self.values[self.start..][..self.len]
    }

    pub(super) fn values_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..][..self.len]
    }

    /// The values as vectors; a rest shorter than a vector is left out.
    pub(super) fn lanes(&self) -> &[[T; LANES]] {
        self.values().as_chunks().0
    }

    pub(super) fn lanes_mut(&mut self) -> &mut [[T; LANES]] {
        self.values_mut().as_chunks_mut().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_starts_at_a_cache_line() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let mut aligned = Aligned::<f32>::zeros(len);
            assert_eq!(aligned.values().as_ptr().align_offset(LINE_BYTES), 0);
            assert_eq!(aligned.values_mut().len(), len);
            assert_eq!(aligned.lanes().len(), len / LANES);
        }
    }
}
