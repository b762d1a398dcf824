//! Reads integers and slices from a file without ever passing its end.

use crate::error::Reject;

/// A position in a file. Every read past the end is [`Reject::Truncated`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Reject> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Reject::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `length` bytes, for a length read from the file.
    pub(crate) fn take_u32(&mut self, length: u32) -> Result<&'a [u8], Reject> {
        self.take(usize::try_from(length).map_err(|_| Reject::Truncated)?)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Reject> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(Reject::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Reject> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, Reject> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u16_le(&mut self) -> Result<u16, Reject> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u24_le(&mut self) -> Result<u32, Reject> {
        self.array()
            .map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    pub(crate) fn u32_be(&mut self) -> Result<u32, Reject> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, Reject> {
        self.array().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_never_past_the_end() {
        let mut cursor = Cursor::new(&[1, 0, 2, 3, 0, 4]);
        assert_eq!(cursor.u8(), Ok(1));
        assert_eq!(cursor.u16_be(), Ok(2));
        assert_eq!(cursor.u16_le(), Ok(3));
        assert_eq!(cursor.u32_be(), Err(Reject::Truncated));
        assert_eq!(cursor.take(1), Ok(&[4][..]));
        assert!(cursor.is_empty());
        assert_eq!(cursor.take_u32(u32::MAX), Err(Reject::Truncated));
    }
}
