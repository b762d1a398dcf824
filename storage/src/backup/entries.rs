//! The database as it is sealed: its entries, one after the other, and at the end
//! how many there are.

use std::io::{self, Read, Write};

use crate::keyspace::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::{ImageId, Record, audit};

/// Stands where a key's length would, before the number of entries.
const END: u32 = u32::MAX;

/// Writes one entry.
pub(super) fn write(to: &mut (impl Write + ?Sized), key: &[u8], value: &[u8]) -> io::Result<()> {
    to.write_all(&length(key)?.to_be_bytes())?;
    to.write_all(&length(value)?.to_be_bytes())?;
    to.write_all(key)?;
    to.write_all(value)
}

/// Writes the end.
pub(super) fn write_end(to: &mut (impl Write + ?Sized), n_entries: u64) -> io::Result<()> {
    to.write_all(&END.to_be_bytes())?;
    to.write_all(&n_entries.to_be_bytes())
}

/// Reads every entry.
pub(super) fn read(
    from: &mut impl Read,
    entry: &mut dyn FnMut(Vec<u8>, Vec<u8>) -> io::Result<()>,
) -> io::Result<u64> {
    let mut n_entries = 0_u64;
    loop {
        let key_bytes = read_u32(from)?;
        if key_bytes == END {
            let mut counted = [0; 8];
            from.read_exact(&mut counted)?;
            let is_all = u64::from_be_bytes(counted) == n_entries;
            return if is_all {
                Ok(n_entries)
            } else {
                Err(strange())
            };
        }
        let value_bytes = read_u32(from)?;
        let key = read_bytes(from, key_bytes, KEY_BYTES_MAX)?;
        let value = read_bytes(
            from,
            value_bytes,
            VALUE_BYTES_MAX.max(Record::ENCODED_BYTES_MAX),
        )?;
        entry(key, value)?;
        n_entries = n_entries.saturating_add(1);
    }
}

/// The image that an entry is about and goes with; `None` for what outlives
/// images. Entries of reports and objections do, and that copies in a CDN are to be
/// purged (`meu`): those are there although the image is gone.
pub(super) fn image_of(key: &[u8]) -> Option<ImageId> {
    let id = match *key {
        [b'r' | b'v', ..] => key.get(1..)?,
        [b'i', ..] => key.get(5..)?,
        [b's', ..] => key.get(10..)?,
        [b'h' | b'l', ..] => key.get(33..)?,
        [b'm', b'a', b'd', ..] => return audit::image_of(key),
        [b'm', b'j', ..] => key.get(2..)?,
        [b'm', b'e', b'd' | b'w', ..] | [b'm', b'c' | b'p' | b'q', ..] => {
            key.get(key.len().checked_sub(12)?..)?
        }
        _ => return None,
    };
    ImageId::from_bytes(id)
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| strange())
}

fn read_u32(from: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn read_bytes(from: &mut impl Read, n_bytes: u32, n_bytes_max: usize) -> io::Result<Vec<u8>> {
    let n_bytes = usize::try_from(n_bytes).map_err(|_| strange())?;
    if n_bytes > n_bytes_max {
        return Err(strange());
    }
    let mut bytes = vec![0; n_bytes];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn strange() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the database of a backup cannot be read",
    )
}
