//! Writes AVIFs (ISO/IEC 23008-12 over 14496-12) of the pictures among the
//! fixtures, with room for more wherever the format leaves some.

/// An item: a coded picture or anything beside it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    item_type: [u8; 4],
    /// Its name, and what follows that in its entry.
    pub(super) name: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// Boxes of properties; those of coded data must be understood.
    pub(super) properties: Vec<Vec<u8>>,
    /// Name and target, numbered from one.
    pub(super) references: Vec<([u8; 4], u16)>,
    pub(super) hidden: bool,
    /// Between the halves of its data.
    pub(super) gap: Vec<u8>,
    /// Its data lies in the `idat` box.
    pub(super) inside: bool,
}

impl Item {
    pub(super) fn new(item_type: [u8; 4], name: &[u8], data: &[u8]) -> Self {
        Self {
            item_type,
            name: name.to_vec(),
            data: data.to_vec(),
            properties: Vec::new(),
            references: Vec::new(),
            hidden: false,
            gap: Vec::new(),
            inside: false,
        }
    }

    /// The 40 x 24 gradient in colours.
    pub(super) fn colour() -> Self {
        let file = include_bytes!("../../../fixtures/avif/yuv_420.avif");
        Self::coded(file, [0x81, 0, 0x0C, 0])
    }

    /// The same size in grey, as alpha is coded.
    pub(super) fn grey() -> Self {
        let file = include_bytes!("../../../fixtures/avif/grey.avif");
        Self::coded(file, [0x81, 0, 0x1C, 0])
    }

    /// The only item of a fixture of 40 x 24 pixels.
    fn coded(file: &[u8], configuration: [u8; 4]) -> Self {
        let at = file.windows(4).position(|name| name == b"mdat");
        let mut item = Self::new(*b"av01", b"\0", &file[at.expect("data") + 4..]);
        let size = full_box(b"ispe", &[0, 0, 0, 40, 0, 0, 0, 24]);
        item.properties = vec![size, boxed(b"av1C", &configuration)];
        item
    }

    pub(super) fn referring(mut self, name: &[u8; 4], to: u16) -> Self {
        self.references.push((*name, to));
        self
    }

    pub(super) fn with(mut self, property: Vec<u8>) -> Self {
        self.properties.push(property);
        self
    }

    fn halves(&self) -> [&[u8]; 2] {
        self.data.split_at(self.data.len() / 2).into()
    }

    fn stored(&self) -> Vec<u8> {
        let [head, tail] = self.halves();
        [head, &self.gap, tail].concat()
    }

    /// Number of extents, then offset and length of each.
    fn extents(&self, at: usize) -> Vec<u8> {
        if self.gap.is_empty() {
            return [&[0, 1][..], &number(at), &number(self.data.len())].concat();
        }
        let [head, tail] = self.halves().map(<[u8]>::len);
        let second = at + head + self.gap.len();
        let places = [number(at), number(head), number(second), number(tail)];
        [&[0, 2][..], &places.concat()].concat()
    }
}

/// A file; its first item is its picture.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Brands after the usual ones.
    pub(super) brands: Vec<u8>,
    /// Reserved words of the handler, and its name.
    pub(super) handler: Vec<u8>,
    pub(super) items: Vec<Item>,
    /// Boxes before the tables.
    pub(super) before: Vec<u8>,
    /// Boxes at the end of: the tables, the entries of items, the references,
    /// the properties, what holds these.
    pub(super) in_tables: Vec<u8>,
    pub(super) in_infos: Vec<u8>,
    pub(super) in_references: Vec<u8>,
    pub(super) in_properties: Vec<u8>,
    pub(super) beside_properties: Vec<u8>,
    /// Bytes behind the fields of the table of this name.
    pub(super) behind: Option<(&'static str, Vec<u8>)>,
    /// Bytes before and after the items' data.
    pub(super) data_start: Vec<u8>,
    pub(super) data_end: Vec<u8>,
    /// Bytes after the data inside the tables.
    pub(super) inside_end: Vec<u8>,
    /// What follows the data.
    pub(super) after: Vec<u8>,
}

impl File {
    pub(super) fn of(items: Vec<Item>) -> Self {
        Self {
            brands: Vec::new(),
            handler: vec![0; 13],
            items,
            before: Vec::new(),
            in_tables: Vec::new(),
            in_infos: Vec::new(),
            in_references: Vec::new(),
            in_properties: Vec::new(),
            beside_properties: Vec::new(),
            behind: None,
            data_start: Vec::new(),
            data_end: Vec::new(),
            inside_end: Vec::new(),
            after: Vec::new(),
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let brands = [b"avif\0\0\0\0avifmif1miaf", &self.brands[..]].concat();
        let start = [boxed(b"ftyp", &brands), self.before.clone()].concat();
        // The tables are as long whatever the numbers in them.
        let data_at = start.len() + self.tables(0).len() + 8;
        let mut data = self.data_start.clone();
        data.extend(
            self.items
                .iter()
                .filter(|item| !item.inside)
                .flat_map(Item::stored),
        );
        data.extend_from_slice(&self.data_end);
        let tables = self.tables(data_at);
        [start, tables, boxed(b"mdat", &data), self.after.clone()].concat()
    }

    fn tables(&self, data_at: usize) -> Vec<u8> {
        let inside = self.items.iter().filter(|item| item.inside);
        let mut inside: Vec<u8> = inside.flat_map(Item::stored).collect();
        inside.extend_from_slice(&self.inside_end);
        let handler = [&b"\0\0\0\0pict"[..], &self.handler].concat();
        let mut parts = vec![
            full_box(b"hdlr", &handler),
            self.table(b"pitm", [0, 1].to_vec()),
            self.locations(data_at),
            self.infos(),
            self.references(),
            self.properties(),
        ];
        if !inside.is_empty() {
            parts.push(boxed(b"idat", &inside));
        }
        parts.push(self.in_tables.clone());
        full_box(b"meta", &parts.concat())
    }

    /// A table, with what is to stand behind its fields.
    fn table(&self, name: &[u8; 4], mut fields: Vec<u8>) -> Vec<u8> {
        if let Some((_, more)) = self.behind.as_ref().filter(|(of, _)| of.as_bytes() == name) {
            fields.extend_from_slice(more);
        }
        full_box(name, &fields)
    }

    fn n_items(&self) -> [u8; 2] {
        u16::try_from(self.items.len()).expect("few").to_be_bytes()
    }

    fn numbered(&self) -> impl Iterator<Item = ([u8; 2], &Item)> {
        let ids = (1_u16..).map(u16::to_be_bytes);
        ids.zip(&self.items)
    }

    /// Version 1: offsets and lengths of four bytes, no base.
    fn locations(&self, data_at: usize) -> Vec<u8> {
        let mut at = [data_at + self.data_start.len(), 0];
        let mut fields = [&[0x44, 0][..], &self.n_items()].concat();
        for (id, item) in self.numbered() {
            let at = &mut at[usize::from(item.inside)];
            fields.extend([id, [0, u8::from(item.inside)], [0, 0]].concat());
            fields.extend(item.extents(*at));
            *at += item.stored().len();
        }
        let mut table = self.table(b"iloc", fields);
        table[8] = 1;
        table
    }

    fn infos(&self) -> Vec<u8> {
        let mut fields = self.n_items().to_vec();
        for (id, item) in self.numbered() {
            let head = [2, 0, 0, u8::from(item.hidden)];
            let entry = [&head, &id[..], &[0, 0], &item.item_type, &item.name].concat();
            fields.extend(boxed(b"infe", &entry));
        }
        fields.extend_from_slice(&self.in_infos);
        full_box(b"iinf", &fields)
    }

    fn references(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        for (id, item) in self.numbered() {
            for (name, to) in &item.references {
                let entry = [id, [0, 1], to.to_be_bytes()].concat();
                fields.extend(boxed(name, &entry));
            }
        }
        fields.extend_from_slice(&self.in_references);
        full_box(b"iref", &fields)
    }

    fn properties(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut fields = [&[0; 2][..], &self.n_items()].concat();
        let mut n_properties = 0;
        for (id, item) in self.numbered() {
            fields.extend(id);
            fields.push(u8::try_from(item.properties.len()).expect("few"));
            for property in &item.properties {
                n_properties += 1;
                all.extend_from_slice(property);
                let essential = property[4..8] == *b"av1C";
                fields.push(u8::from(essential) << 7 | n_properties);
            }
        }
        all.extend_from_slice(&self.in_properties);
        let associations = self.table(b"ipma", fields);
        let more = &self.beside_properties;
        boxed(
            b"iprp",
            &[&boxed(b"ipco", &all), &associations[..], more].concat(),
        )
    }
}

/// A box with its length.
pub(super) fn boxed(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&number(data.len() + 8), &name[..], data].concat()
}

/// A box of version 0 without flags.
pub(super) fn full_box(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    boxed(name, &[&[0; 4], data].concat())
}

/// An open bitstream unit of the data of AV1 with its length.
pub(super) fn unit(unit_type: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("small");
    assert!(length < 0x80, "one byte of length");
    [&[unit_type << 3 | 2, length], payload].concat()
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_be_bytes()
}
