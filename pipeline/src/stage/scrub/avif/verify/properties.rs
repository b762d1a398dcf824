//! What is said of the items of a rebuilt AVIF: allowed properties, each of use
//! to an item, and to each item those that its role asks for, once.

use super::super::super::{Unclean, icc};
use super::references::Role;
use super::{CUT, UNKNOWN_PART, next_box};

const UNFIT: Unclean = "an item of the AVIF has other properties than it needs";

/// The properties of one item: name, data, whether a reader must understand it.
pub(super) struct Properties<'a>(Vec<(&'a [u8], &'a [u8], bool)>);

/// The properties of every item, in their order.
pub(super) fn read(n_items: usize, table: &[u8]) -> Result<Vec<Properties<'_>>, Unclean> {
    let mut rest = table;
    let mut written = next_box(&mut rest, b"ipco")?;
    let associations = next_box(&mut rest, b"ipma")?;
    if !rest.is_empty() {
        return Err(UNKNOWN_PART);
    }
    let mut properties = Vec::new();
    while !written.is_empty() {
        let name = written.get(4..8).ok_or(CUT)?;
        let data = next_box(&mut written, name)?;
        check_one(name, data)?;
        properties.push((name, data, false));
    }
    let (head, mut entries) = associations.split_first_chunk::<8>().ok_or(CUT)?;
    let [0, 0, 0, 0, 0, 0, high, low] = *head else {
        return Err(UNKNOWN_PART);
    };
    if usize::from(u16::from_be_bytes([high, low])) != n_items {
        return Err(UNKNOWN_PART);
    }
    let mut of_items = Vec::with_capacity(n_items);
    for id in (1_u16..).take(n_items) {
        let (entry, after) = entries.split_first_chunk::<3>().ok_or(CUT)?;
        let [h, l, n_properties] = *entry;
        let (numbers, after) = after.split_at_checked(n_properties.into()).ok_or(CUT)?;
        entries = after;
        if [h, l] != id.to_be_bytes() {
            return Err(UNKNOWN_PART);
        }
        let mut of_item = Vec::with_capacity(numbers.len());
        for number in numbers {
            let property_idx = usize::from(number & 0x7F).checked_sub(1);
            let property = property_idx.and_then(|idx| properties.get_mut(idx));
            let (name, data, used) = property.ok_or(UNKNOWN_PART)?;
            *used = true;
            of_item.push((*name, *data, number >> 7 == 1));
        }
        of_items.push(Properties(of_item));
    }
    if entries.is_empty() && properties.iter().all(|(_, _, used)| *used) {
        Ok(of_items)
    } else {
        Err(UNKNOWN_PART)
    }
}

fn check_one(name: &[u8], data: &[u8]) -> Result<(), Unclean> {
    let allowed = match (name, data) {
        (b"ispe", [0, 0, 0, 0, sides @ ..]) => sides.len() == 8,
        (b"pixi", [0, 0, 0, 0, n, depths @ ..]) => {
            usize::from(*n) == depths.len()
                && matches!(
                    depths,
                    [8 | 10 | 12] | [8 | 10 | 12, 8 | 10 | 12, 8 | 10 | 12]
                )
        }
        (b"av1C", [0x81, _, _, 0]) => true,
        (b"colr", [b'n', b'c', b'l', b'x', 0, _, 0, _, 0, _, 0 | 0x80]) => true,
        (b"colr", [b'p', b'r', b'o', b'f', profile @ ..]) => return icc::verify(profile),
        (b"irot", [turns]) => (1..4).contains(turns),
        (b"imir", [axis]) => *axis < 2,
        (b"auxC", name) => name == b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
        _ => false,
    };
    if allowed { Ok(()) } else { Err(UNKNOWN_PART) }
}

impl Properties<'_> {
    /// Whether they are those of an item of that role, each once: colours and
    /// turning of what is shown, the kind of the alpha, the configuration of
    /// coded data.
    pub(super) fn check(&self, role: Role, coded: bool) -> Result<(), Unclean> {
        let mut seen = Vec::new();
        for (name, data, essential) in &self.0 {
            let (fits, must_be_understood) = match *name {
                b"ispe" | b"pixi" => (true, false),
                b"av1C" => (coded, true),
                b"colr" => (role == Role::Shown, false),
                b"irot" | b"imir" => (role == Role::Shown, true),
                b"auxC" => (role == Role::Alpha, false),
                _ => (false, false),
            };
            // Colours may be told by numbers and by a profile.
            let kind = (*name, data.get(..4).filter(|_| *name == b"colr"));
            if !fits || *essential != must_be_understood || seen.contains(&kind) {
                return Err(UNFIT);
            }
            seen.push(kind);
        }
        let has = |name: &[u8]| seen.iter().any(|(known, _)| *known == name);
        if has(b"av1C") == coded && has(b"auxC") == (role == Role::Alpha) {
            Ok(())
        } else {
            Err(UNFIT)
        }
    }

    /// The item's size as it is stored.
    pub(super) fn size(&self) -> Result<(u32, u32), Unclean> {
        let Some(&[0, 0, 0, 0, a, b, c, d, e, f, g, h]) = self.data_of(b"ispe") else {
            return Err("the rebuilt AVIF does not say its size");
        };
        let [width, height] = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
        Ok((width, height))
    }

    /// Bits of each channel.
    pub(super) fn depths(&self) -> Option<&[u8]> {
        self.data_of(b"pixi")?.get(5..)
    }

    pub(super) fn configuration(&self) -> Option<&[u8]> {
        self.data_of(b"av1C")
    }

    /// Whether it is shown standing on its side.
    pub(super) fn lies(&self) -> bool {
        matches!(self.data_of(b"irot"), Some([1 | 3]))
    }

    fn data_of(&self, name: &[u8]) -> Option<&[u8]> {
        let property = self.0.iter().find(|(known, ..)| *known == name);
        property.map(|(_, data, _)| *data)
    }
}
