//! The tables of the `meta` box (ISO/IEC 23008-12 and 14496-12, 8.11): which
//! items there are, where their bytes lie, which properties they have.
//!
//! Everything is read into tables of bounded length; nothing is followed yet.

use std::collections::BTreeMap;

use super::boxes::{Part, Versioned};
use crate::error::Reject;
use crate::stage::cursor::Cursor;

/// Phones write up to 200 tiles, each with its alpha, and a few items more.
const ITEMS_MAX: u32 = 1_024;
/// Writers use one extent an item.
const EXTENTS_MAX: usize = 64;
/// A grid of tiles shares its properties; ten are usual.
const PROPERTIES_MAX: usize = 1_024;
const PROPERTIES_OF_ITEM_MAX: usize = 64;
/// Each tile is referred to once.
const REFERENCES_MAX: usize = 4_096;

const TOO_MANY_PARTS: Reject = Reject::Malformed {
    detail: "the AVIF has more parts than pictures have",
};

/// The tables of one file.
#[derive(Default)]
pub(super) struct Tables<'a> {
    pub(super) primary: Option<u32>,
    pub(super) infos: BTreeMap<u32, ItemInfo>,
    pub(super) locations: BTreeMap<u32, Location>,
    pub(super) references: Vec<Reference>,
    /// Bytes that items may lie in, inside the box itself.
    pub(super) inside: &'a [u8],
    properties: Vec<Property<'a>>,
    associations: BTreeMap<u32, Vec<Association>>,
}

/// What an item is.
#[derive(Clone, Copy)]
pub(super) struct ItemInfo {
    pub(super) item_type: [u8; 4],
    pub(super) protected: bool,
}

/// Where an item's bytes lie.
#[derive(Clone)]
pub(super) struct Location {
    pub(super) place: Place,
    /// Offset and length, in order.
    pub(super) extents: Vec<(u64, u64)>,
}

/// What an extent's offset counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    File,
    Inside,
    /// Another file or another item: nothing we follow.
    Elsewhere,
}

/// A reference from an item to another.
#[derive(Clone, Copy)]
pub(super) struct Reference {
    pub(super) name: [u8; 4],
    pub(super) from: u32,
    pub(super) to: u32,
}

/// A property that items may share.
#[derive(Clone, Copy)]
pub(super) struct Property<'a> {
    pub(super) name: [u8; 4],
    pub(super) data: &'a [u8],
}

struct Association {
    property_idx: usize,
    essential: bool,
}

impl<'a> Tables<'a> {
    /// Reads the box. A table that is there twice counts as damage: readers
    /// would differ in which one they believe.
    pub(super) fn read(meta: Part<'a>) -> Result<Self, Reject> {
        let mut tables = Self::default();
        let mut boxes = meta.versioned()?.data;
        let mut seen = Vec::new();
        while let Some(part) = Part::read(&mut boxes)? {
            let name = part.name;
            if !matches!(
                &name,
                b"pitm" | b"iinf" | b"iloc" | b"iref" | b"iprp" | b"idat"
            ) {
                continue;
            }
            if seen.contains(&name) {
                return Err(Reject::Malformed {
                    detail: "the AVIF has a table twice",
                });
            }
            seen.push(name);
            match &name {
                b"pitm" => tables.primary = Some(part.versioned()?.id(0)?),
                b"iinf" => tables.read_infos(part.versioned()?)?,
                b"iloc" => tables.read_locations(part.versioned()?)?,
                b"iref" => tables.read_references(part.versioned()?)?,
                b"iprp" => tables.read_properties(part.data)?,
                _ => tables.inside = part.data.rest(),
            }
        }
        Ok(tables)
    }

    /// The properties of an item, in their order, and for each whether a reader
    /// must understand it.
    pub(super) fn properties_of(
        &self,
        item: u32,
    ) -> impl Iterator<Item = Result<(Property<'a>, bool), Reject>> {
        let associations = self.associations.get(&item).map_or(&[][..], Vec::as_slice);
        associations.iter().map(|association| {
            let property = self.properties.get(association.property_idx);
            let property = property.ok_or(Reject::Malformed {
                detail: "a property is missing",
            })?;
            Ok((*property, association.essential))
        })
    }

    fn read_infos(&mut self, mut table: Versioned<'a>) -> Result<(), Reject> {
        if table.id(0)? > ITEMS_MAX {
            return Err(TOO_MANY_PARTS);
        }
        while let Some(part) = Part::read(&mut table.data)? {
            if part.name != *b"infe" {
                continue;
            }
            let mut entry = part.versioned()?;
            if entry.version < 2 {
                // Files without types of items; no picture is in them.
                continue;
            }
            let id = entry.id(2)?;
            let protected = entry.data.u16_be()? != 0;
            let item_type = entry.data.array()?;
            let info = ItemInfo {
                item_type,
                protected,
            };
            self.infos.insert(id, info);
            if self.infos.len() > ITEMS_MAX as usize {
                return Err(TOO_MANY_PARTS);
            }
        }
        Ok(())
    }

    fn read_locations(&mut self, mut table: Versioned<'a>) -> Result<(), Reject> {
        let version = table.version;
        if version > 2 {
            return Err(Reject::Malformed {
                detail: "its table of places is of an unknown version",
            });
        }
        let [widths, more_widths] = table.data.array()?;
        let (offset_width, length_width) = (widths >> 4, widths & 15);
        let (base_width, index_width) = (more_widths >> 4, more_widths & 15);
        let n_items = table.id(1)?;
        if n_items > ITEMS_MAX {
            return Err(TOO_MANY_PARTS);
        }
        for _ in 0..n_items {
            let id = table.id(1)?;
            let data = &mut table.data;
            let method = if version > 0 { data.u16_be()? & 15 } else { 0 };
            let in_this_file = data.u16_be()? == 0;
            let place = match method {
                0 if in_this_file => Place::File,
                1 if in_this_file => Place::Inside,
                _ => Place::Elsewhere,
            };
            let base = number(data, base_width)?;
            let n_extents = usize::from(data.u16_be()?);
            if n_extents > EXTENTS_MAX {
                return Err(TOO_MANY_PARTS);
            }
            let mut extents = Vec::with_capacity(n_extents);
            for _ in 0..n_extents {
                if version > 0 {
                    let _for_methods_not_followed = number(data, index_width)?;
                }
                let offset = number(data, offset_width)?.checked_add(base);
                let length = number(data, length_width)?;
                extents.push((offset.ok_or(Reject::Truncated)?, length));
            }
            self.locations.insert(id, Location { place, extents });
        }
        Ok(())
    }

    fn read_references(&mut self, mut table: Versioned<'a>) -> Result<(), Reject> {
        let wide = table.version > 0;
        while let Some(mut part) = Part::read(&mut table.data)? {
            let id = |data: &mut Cursor<'_>| {
                if wide {
                    data.u32_be()
                } else {
                    data.u16_be().map(u32::from)
                }
            };
            let from = id(&mut part.data)?;
            let n_targets = part.data.u16_be()?;
            for _ in 0..n_targets {
                let to = id(&mut part.data)?;
                if self.references.len() >= REFERENCES_MAX {
                    return Err(TOO_MANY_PARTS);
                }
                let name = part.name;
                self.references.push(Reference { name, from, to });
            }
        }
        Ok(())
    }

    fn read_properties(&mut self, mut boxes: Cursor<'a>) -> Result<(), Reject> {
        while let Some(mut part) = Part::read(&mut boxes)? {
            match &part.name {
                b"ipco" => {
                    while let Some(property) = Part::read(&mut part.data)? {
                        if self.properties.len() >= PROPERTIES_MAX {
                            return Err(TOO_MANY_PARTS);
                        }
                        self.properties.push(Property {
                            name: property.name,
                            data: property.data.rest(),
                        });
                    }
                }
                b"ipma" => self.read_associations(part.versioned()?)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_associations(&mut self, mut table: Versioned<'a>) -> Result<(), Reject> {
        let n_items = table.data.u32_be()?;
        if n_items > ITEMS_MAX {
            return Err(TOO_MANY_PARTS);
        }
        for _ in 0..n_items {
            let id = table.id(0)?;
            let n_properties = usize::from(table.data.u8()?);
            let known = self.associations.entry(id).or_default();
            if known.len() + n_properties > PROPERTIES_OF_ITEM_MAX {
                return Err(TOO_MANY_PARTS);
            }
            for _ in 0..n_properties {
                let (essential, number) = if table.flags & 1 == 1 {
                    let entry = table.data.u16_be()?;
                    (entry >> 15 == 1, usize::from(entry & 0x7FFF))
                } else {
                    let entry = table.data.u8()?;
                    (entry >> 7 == 1, usize::from(entry & 0x7F))
                };
                // Numbered from one; zero stands for none.
                if let Some(property_idx) = number.checked_sub(1) {
                    known.push(Association {
                        property_idx,
                        essential,
                    });
                }
            }
        }
        Ok(())
    }
}

/// A number of 0, 4 or 8 bytes.
fn number(data: &mut Cursor<'_>, width: u8) -> Result<u64, Reject> {
    match width {
        0 => Ok(0),
        4 => data.u32_be().map(u64::from),
        8 => data.array().map(u64::from_be_bytes),
        _ => Err(Reject::Malformed {
            detail: "a number has an unknown width",
        }),
    }
}
