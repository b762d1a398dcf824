//! A file in memory that does not grow beyond a bound.

use std::io::{self, Write};

/// Takes bytes up to a bound, and fails at the first that is too much.
pub(super) struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Bounded {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            bytes_max,
        }
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.bytes_max - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_beyond_the_bound() {
        let mut file = Bounded::new(4);
        assert!(file.write_all(b"abc").is_ok());
        assert!(file.write_all(b"de").is_err());
        assert!(file.write_all(b"d").is_ok());
        assert!(file.write_all(b"e").is_err());
        assert_eq!(file.into_bytes(), b"abcd");
    }
}
