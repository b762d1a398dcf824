//! The boxes of ISO base media files (ISO/IEC 14496-12, 4.2): a length that
//! counts its own head, a name, data.

use crate::error::Reject;
use crate::stage::cursor::Cursor;

/// One box as it stands in the file.
pub(super) struct Part<'a> {
    pub(super) name: [u8; 4],
    pub(super) data: Cursor<'a>,
}

impl<'a> Part<'a> {
    /// The next box, or `None` at the end of what holds it.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Option<Self>, Reject> {
        if cursor.is_empty() {
            return Ok(None);
        }
        let whole = cursor.rest().len();
        let length = cursor.u32_be()?;
        let name = cursor.array()?;
        let length = match length {
            // To the end of what holds the box.
            0 => whole,
            1 => usize::try_from(u64::from_be_bytes(cursor.array()?))
                .map_err(|_| Reject::Truncated)?,
            length => usize::try_from(length).map_err(|_| Reject::Truncated)?,
        };
        let head = whole - cursor.rest().len();
        let length = length.checked_sub(head).ok_or(Reject::Malformed {
            detail: "a box is shorter than its own head",
        })?;
        let data = Cursor::new(cursor.take(length)?);
        Ok(Some(Self { name, data }))
    }

    /// The data of a box that begins with a version and flags (4.2.2).
    pub(super) fn versioned(mut self) -> Result<Versioned<'a>, Reject> {
        let [version, a, b, c] = self.data.array()?;
        Ok(Versioned {
            version,
            flags: u32::from_be_bytes([0, a, b, c]),
            data: self.data,
        })
    }
}

/// What a box says of its own layout, and what follows that.
pub(super) struct Versioned<'a> {
    pub(super) version: u8,
    pub(super) flags: u32,
    pub(super) data: Cursor<'a>,
}

impl Versioned<'_> {
    /// An item's id or a number of them: 16 bits up to the version `narrow_max`,
    /// 32 after it.
    pub(super) fn id(&mut self, narrow_max: u8) -> Result<u32, Reject> {
        if self.version <= narrow_max {
            self.data.u16_be().map(u32::from)
        } else {
            self.data.u32_be()
        }
    }
}
