//! Writes the boxes of an AVIF (ISO/IEC 14496-12 and 23008-12): numbers as small
//! as the format has them, nothing optional, equal parts once.

use std::collections::HashMap;

use crate::error::Reject;
use crate::stage::scrub::malformed;

/// One picture, or a grid of them.
pub(super) struct Item {
    pub(super) item_type: [u8; 4],
    /// Tiles are not shown by themselves.
    pub(super) hidden: bool,
    pub(super) properties: Vec<Property>,
    pub(super) data: Vec<u8>,
}

/// A property's box, and whether a reader must understand it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Property {
    written: Vec<u8>,
    essential: bool,
}

impl Property {
    pub(super) fn essential(written: Vec<u8>) -> Self {
        Self {
            written,
            essential: true,
        }
    }
}

impl From<Vec<u8>> for Property {
    fn from(written: Vec<u8>) -> Self {
        Self {
            written,
            essential: false,
        }
    }
}

/// The items of a file; the first one is its picture. They are numbered from one.
#[derive(Default)]
pub(super) struct Container {
    items: Vec<Item>,
    /// Name, from, to.
    references: Vec<([u8; 4], u16, Vec<u16>)>,
}

/// Where each item's data lies from the start of all data, and how long it is.
type Spans = Vec<(u32, u32)>;

const TOO_LONG: Reject = malformed("it is longer than such files may be");

impl Container {
    pub(super) fn add(&mut self, item: Item) -> Result<u16, Reject> {
        self.items.push(item);
        u16::try_from(self.items.len()).map_err(|_| TOO_LONG)
    }

    pub(super) fn refer(&mut self, name: [u8; 4], from: u16, to: Vec<u16>) {
        self.references.push((name, from, to));
    }

    /// The whole file.
    pub(super) fn write(&self) -> Result<Vec<u8>, Reject> {
        let (spans, data) = self.lay_out()?;
        let brands = boxed(*b"ftyp", &[b"avif\0\0\0\0avifmif1miaf"])?;
        // The tables are as long whatever the numbers in them.
        let tables_length = self.tables(&spans, 0)?.len();
        let data_start = brands.len() + tables_length + 8;
        let data_start = u32::try_from(data_start).map_err(|_| TOO_LONG)?;
        let tables = self.tables(&spans, data_start)?;
        Ok([brands, tables, boxed(*b"mdat", &[&data])?].concat())
    }

    /// All data in the order of the items; writers share equal tiles, and so it is
    /// here.
    fn lay_out(&self) -> Result<(Spans, Vec<u8>), Reject> {
        let mut data: Vec<u8> = Vec::new();
        let mut spans = Vec::with_capacity(self.items.len());
        let mut known: HashMap<&[u8], (u32, u32)> = HashMap::new();
        for item in &self.items {
            let span = match known.get(item.data.as_slice()) {
                Some(span) => *span,
                None => {
                    let start = u32::try_from(data.len()).map_err(|_| TOO_LONG)?;
                    let length = u32::try_from(item.data.len()).map_err(|_| TOO_LONG)?;
                    data.extend_from_slice(&item.data);
                    known.insert(&item.data, (start, length));
                    (start, length)
                }
            };
            spans.push(span);
        }
        Ok((spans, data))
    }

    fn tables(&self, spans: &Spans, data_start: u32) -> Result<Vec<u8>, Reject> {
        let handler = boxed(*b"hdlr", &[&[0; 8], b"pict", &[0; 13]])?;
        let primary = boxed(*b"pitm", &[&[0; 4], &1_u16.to_be_bytes()])?;
        let parts = [
            handler,
            primary,
            self.locations(spans, data_start)?,
            self.infos()?,
            self.references()?,
            self.properties()?,
        ];
        boxed(*b"meta", &[&[0; 4], &parts.concat()])
    }

    fn n_items(&self) -> Result<[u8; 2], Reject> {
        let n_items = u16::try_from(self.items.len()).map_err(|_| TOO_LONG)?;
        Ok(n_items.to_be_bytes())
    }

    fn locations(&self, spans: &Spans, data_start: u32) -> Result<Vec<u8>, Reject> {
        let mut entries = Vec::with_capacity(spans.len() * 14);
        for (id, (start, length)) in (1_u16..).zip(spans) {
            let offset = data_start.checked_add(*start).ok_or(TOO_LONG)?;
            entries.extend_from_slice(&id.to_be_bytes());
            // In this file, one extent.
            entries.extend_from_slice(&[0, 0, 0, 1]);
            entries.extend_from_slice(&offset.to_be_bytes());
            entries.extend_from_slice(&length.to_be_bytes());
        }
        // Offsets and lengths of four bytes, no base.
        boxed(
            *b"iloc",
            &[&[0, 0, 0, 0, 0x44, 0], &self.n_items()?, &entries],
        )
    }

    fn infos(&self) -> Result<Vec<u8>, Reject> {
        let mut entries = Vec::with_capacity(self.items.len() * 21);
        for (id, item) in (1_u16..).zip(&self.items) {
            let version = [2, 0, 0, u8::from(item.hidden)];
            // Not protected, and after the type an empty name.
            let [high, low] = id.to_be_bytes();
            let entry = boxed(
                *b"infe",
                &[&version, &[high, low, 0, 0], &item.item_type, &[0]],
            )?;
            entries.extend_from_slice(&entry);
        }
        boxed(*b"iinf", &[&[0; 4], &self.n_items()?, &entries])
    }

    fn references(&self) -> Result<Vec<u8>, Reject> {
        if self.references.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for (name, from, to) in &self.references {
            let n_targets = u16::try_from(to.len()).map_err(|_| TOO_LONG)?;
            let targets: Vec<u8> = to.iter().flat_map(|id| id.to_be_bytes()).collect();
            let entry = [&from.to_be_bytes()[..], &n_targets.to_be_bytes(), &targets];
            entries.extend_from_slice(&boxed(*name, &entry)?);
        }
        boxed(*b"iref", &[&[0; 4], &entries])
    }

    fn properties(&self) -> Result<Vec<u8>, Reject> {
        let mut written: Vec<&Property> = Vec::new();
        let mut associations = Vec::new();
        for (id, item) in (1_u16..).zip(&self.items) {
            associations.extend_from_slice(&id.to_be_bytes());
            let n_properties = u8::try_from(item.properties.len()).map_err(|_| TOO_LONG)?;
            associations.push(n_properties);
            for property in &item.properties {
                let known = written.iter().position(|other| *other == property);
                let property_idx = known.unwrap_or_else(|| {
                    written.push(property);
                    written.len() - 1
                });
                // Some tiles differ in level at most, so there are few.
                let number = u8::try_from(property_idx + 1).ok().filter(|n| *n < 0x80);
                let number = number.ok_or(malformed("its tiles differ too much"))?;
                associations.push(u8::from(property.essential) << 7 | number);
            }
        }
        let all: Vec<u8> = written.iter().flat_map(|p| p.written.clone()).collect();
        let n_items = [[0; 2], self.n_items()?].concat();
        let associations = boxed(*b"ipma", &[&[0; 4], &n_items, &associations])?;
        boxed(*b"iprp", &[&boxed(*b"ipco", &[&all])?, &associations])
    }
}

/// A box of the given parts.
pub(super) fn boxed(name: [u8; 4], parts: &[&[u8]]) -> Result<Vec<u8>, Reject> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + 8;
    let mut out = Vec::with_capacity(length);
    let length = u32::try_from(length).map_err(|_| TOO_LONG)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&name);
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(out)
}
