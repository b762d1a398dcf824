//! Sealed files: XChaCha20-Poly1305 in pieces (STREAM, Hoang et al., 2015), so
//! that no piece can be left out, exchanged or put elsewhere, and a file that was
//! cut short is known.
//!
//! A line of text, 19 bytes of nonce, then pieces of 64 KiB with 16 bytes of tag
//! each; the last may be shorter. What a file is for is part of what is sealed.

use std::io::{self, Read, Write};

use chacha20poly1305::aead::Payload;
use chacha20poly1305::aead::generic_array::GenericArray;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

const HEAD: &[u8] = b"imgshare sealed 1\n";
const NONCE_BYTES: usize = 19;
const PIECE_BYTES: usize = 64 << 10;
const TAG_BYTES: usize = 16;

/// Writes a sealed file.
pub(super) struct Sealer<W: Write> {
    to: W,
    /// `None` once it is finished.
    pieces: Option<EncryptorBE32<XChaCha20Poly1305>>,
    waiting: Vec<u8>,
    purpose: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    pub(super) fn new(mut to: W, key: &[u8; 32], purpose: &[u8]) -> io::Result<Self> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        to.write_all(HEAD)?;
        to.write_all(&nonce)?;
        let cipher = XChaCha20Poly1305::new(GenericArray::from_slice(key));
        Ok(Self {
            to,
            pieces: Some(EncryptorBE32::from_aead(
                cipher,
                GenericArray::from_slice(&nonce),
            )),
            waiting: Vec::with_capacity(PIECE_BYTES),
            purpose: purpose.to_vec(),
        })
    }

    /// Ends the file. Without it, what was written cannot be opened.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let pieces = self.pieces.take().ok_or_else(failed)?;
        let last = Payload {
            msg: &self.waiting,
            aad: &self.purpose,
        };
        let sealed = pieces.encrypt_last(last).map_err(|_| failed())?;
        self.to.write_all(&sealed)?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece is sealed only when more comes: the last one is another kind.
        if self.waiting.len() == PIECE_BYTES && !bytes.is_empty() {
            let pieces = self.pieces.as_mut().ok_or_else(failed)?;
            let next = Payload {
                msg: &self.waiting,
                aad: &self.purpose,
            };
            let sealed = pieces.encrypt_next(next).map_err(|_| failed())?;
            self.to.write_all(&sealed)?;
            self.waiting.clear();
        }
        let n_taken = bytes.len().min(PIECE_BYTES - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..n_taken]);
        Ok(n_taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a sealed file. What it gives is what was sealed; where it is not, it
/// fails with [`io::ErrorKind::InvalidData`].
pub(super) struct Opener<R: Read> {
    from: R,
    /// `None` once the last piece was opened.
    pieces: Option<DecryptorBE32<XChaCha20Poly1305>>,
    /// Sealed bytes that were read ahead.
    ahead: Vec<u8>,
    opened: io::Cursor<Vec<u8>>,
    purpose: Vec<u8>,
}

impl<R: Read> Opener<R> {
    pub(super) fn new(mut from: R, key: &[u8; 32], purpose: &[u8]) -> io::Result<Self> {
        let mut head = [0; HEAD.len()];
        let mut nonce = [0; NONCE_BYTES];
        from.read_exact(&mut head).map_err(|_| failed())?;
        from.read_exact(&mut nonce).map_err(|_| failed())?;
        if head != *HEAD {
            return Err(failed());
        }
        let cipher = XChaCha20Poly1305::new(GenericArray::from_slice(key));
        Ok(Self {
            from,
            pieces: Some(DecryptorBE32::from_aead(
                cipher,
                GenericArray::from_slice(&nonce),
            )),
            ahead: Vec::with_capacity(PIECE_BYTES + TAG_BYTES + 1),
            opened: io::Cursor::default(),
            purpose: purpose.to_vec(),
        })
    }

    /// Opens the next piece. One byte more is read than it has, to know whether it is
    /// the last one.
    fn open_next(&mut self) -> io::Result<()> {
        let Some(mut pieces) = self.pieces.take() else {
            return Ok(());
        };
        let sealed_bytes = PIECE_BYTES + TAG_BYTES;
        let n_wanted = sealed_bytes + 1 - self.ahead.len();
        let n_wanted = u64::try_from(n_wanted).unwrap_or(u64::MAX);
        (&mut self.from)
            .take(n_wanted)
            .read_to_end(&mut self.ahead)?;
        let is_last = self.ahead.len() <= sealed_bytes;
        let rest = self.ahead.split_off(self.ahead.len().min(sealed_bytes));
        let piece = Payload {
            msg: &self.ahead,
            aad: &self.purpose,
        };
        let opened = if is_last {
            pieces.decrypt_last(piece).map_err(|_| failed())?
        } else {
            let opened = pieces.decrypt_next(piece).map_err(|_| failed())?;
            self.pieces = Some(pieces);
            opened
        };
        self.ahead = rest;
        self.opened = io::Cursor::new(opened);
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n_read = self.opened.read(buffer)?;
            if n_read > 0 || buffer.is_empty() || self.pieces.is_none() {
                return Ok(n_read);
            }
            self.open_next()?;
        }
    }
}

/// The size of a sealed file of so many bytes.
pub(super) fn sealed_bytes(bytes: u64) -> u64 {
    let piece = PIECE_BYTES as u64;
    let n_pieces = bytes.div_ceil(piece).max(1);
    let around = (HEAD.len() + NONCE_BYTES) as u64;
    around
        .saturating_add(bytes)
        .saturating_add(n_pieces.saturating_mul(TAG_BYTES as u64))
}

fn failed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a sealed file was changed, cut short, or sealed with another key",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(Vec::new(), &KEY, b"test").unwrap();
        sealer.write_all(bytes).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(sealed: &[u8], key: &[u8; 32], purpose: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Opener::new(sealed, key, purpose)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn files_of_every_length_are_opened_again() {
        for n_bytes in [
            0,
            1,
            PIECE_BYTES - 1,
            PIECE_BYTES,
            PIECE_BYTES + 1,
            3 * PIECE_BYTES,
            3 * PIECE_BYTES + 7,
        ] {
            let bytes: Vec<u8> = (0..=255).cycle().take(n_bytes).collect();
            let sealed = sealed(&bytes);
            assert_eq!(sealed.len() as u64, sealed_bytes(n_bytes as u64));
            assert_eq!(opened(&sealed, &KEY, b"test").unwrap(), bytes);
            assert!(n_bytes < 32 || !sealed.windows(32).any(|at| at == &bytes[..32]));
            opened(&sealed, &[8; 32], b"test").unwrap_err();
            opened(&sealed, &KEY, b"other").unwrap_err();
        }
    }

    #[test]
    fn what_was_cut_or_put_elsewhere_is_known() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * PIECE_BYTES).collect();
        let whole = sealed(&bytes);
        let head = HEAD.len() + NONCE_BYTES;
        let piece = PIECE_BYTES + TAG_BYTES;
        for cut in [
            0,
            5,
            head,
            head + 1,
            head + piece,
            head + 2 * piece,
            whole.len() - 1,
        ] {
            opened(&whole[..cut], &KEY, b"test").unwrap_err();
        }
        let mut swapped = whole.clone();
        swapped[head..head + 2 * piece].rotate_left(piece);
        opened(&swapped, &KEY, b"test").unwrap_err();
        let mut longer = whole;
        longer.push(0);
        opened(&longer, &KEY, b"test").unwrap_err();
    }

    proptest! {
        #[test]
        fn no_changed_byte_is_missed(bytes: Vec<u8>, at: usize, change in 1_u8..) {
            let mut sealed = sealed(&bytes);
            let at = at % sealed.len();
            sealed[at] ^= change;
            prop_assert!(opened(&sealed, &KEY, b"test").is_err());
        }

        #[test]
        fn any_bytes_may_be_given(bytes: Vec<u8>) {
            prop_assert!(opened(&bytes, &KEY, b"test").is_err());
        }
    }
}
