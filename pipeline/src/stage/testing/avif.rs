//! AVIFs. Coded pictures come from files, since no encoder of them is built in;
//! containers around them are written here, as oddly as a test wants them.

use crate::stage::sniff::avif::Avif;

/// What is odd about an AVIF from a file; all but the grid are 40 x 24 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AvifKind {
    /// 8 bits, chroma halved both ways.
    EightBit420,
    /// 10 bits, chroma in full.
    TenBit444,
    /// 12 bits of limited range, BT.709, chroma halved across.
    TwelveBit422,
    /// Green, blue and red coded without loss.
    Lossless,
    /// With an alpha that falls from left to right.
    Alpha,
    /// The same, its colours multiplied by the alpha.
    Premultiplied,
    /// Four tiles of 64 x 64 pixels, with such an alpha.
    Grid,
    /// Luma only: a slope from top to bottom.
    Grey,
    /// Stored sideways: a quarter turn to the left and mirrored left to right.
    Turned,
    /// With Exif, XMP and an ICC profile that hold a marker.
    Metadata,
    /// 10 bits of PQ in BT.2020.
    Pq,
    /// With film grain.
    Grain,
    /// Three frames: an animation.
    Sequence,
}

/// An AVIF of the gradient, 40 x 24 pixels.
#[must_use]
pub fn avif() -> Vec<u8> {
    avif_of_kind(AvifKind::EightBit420)
}

/// An AVIF of the gradient, made by avifenc.
#[must_use]
pub fn avif_of_kind(kind: AvifKind) -> Vec<u8> {
    macro_rules! file {
        ($name:literal) => {
            &include_bytes!(concat!("../../../../tests/fixtures/avif/", $name, ".avif"))[..]
        };
    }
    let file = match kind {
        AvifKind::EightBit420 => file!("yuv_420"),
        AvifKind::TenBit444 => file!("yuv_444_10bit"),
        AvifKind::TwelveBit422 => file!("yuv_422_12bit"),
        AvifKind::Lossless => file!("lossless"),
        AvifKind::Alpha => file!("alpha"),
        AvifKind::Premultiplied => file!("premultiplied"),
        AvifKind::Grid => file!("grid_alpha"),
        AvifKind::Grey => file!("grey"),
        AvifKind::Turned => file!("turned"),
        AvifKind::Metadata => file!("metadata"),
        AvifKind::Pq => file!("pq"),
        AvifKind::Grain => file!("grain"),
        AvifKind::Sequence => file!("sequence"),
    };
    file.to_vec()
}

/// The units of an AVIF's first coded picture: of its colours, or of its alpha.
///
/// # Panics
/// If the file has none.
#[must_use]
pub fn avif_coded(file: &[u8], alpha: bool) -> Vec<u8> {
    let avif = Avif::parse(file).expect("a whole AVIF");
    let layer = if alpha { avif.alpha } else { Some(avif.colour) };
    layer.expect("such a picture").tiles[0].bitstream()
}

/// One open bitstream unit with its length.
#[must_use]
pub fn avif_unit(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("small");
    assert!(length < 0x80, "one byte of length");
    [&[kind << 3 | 2, length], payload].concat()
}

/// One box with its length.
#[must_use]
pub fn avif_box(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 8).expect("small");
    [&length.to_be_bytes(), &name[..], data].concat()
}

/// An item of a [`AvifDraft`].
#[derive(Debug, Clone)]
pub struct AvifItem {
    /// What it is: `av01`, `grid`, `Exif` and so on.
    pub item_type: [u8; 4],
    /// Its name and what may follow that.
    pub name: Vec<u8>,
    /// Its bytes.
    pub data: Vec<u8>,
    /// Properties: name, data, whether a reader must understand it.
    pub properties: Vec<([u8; 4], Vec<u8>, bool)>,
    /// References from it: name, number of the other item.
    pub references: Vec<([u8; 4], u16)>,
    /// Split into two extents with this between them.
    pub gap: Vec<u8>,
    /// Its bytes lie inside the `meta` box.
    pub inside: bool,
}

impl AvifItem {
    /// A coded picture of `width` x `height`.
    #[must_use]
    pub fn picture(data: Vec<u8>, width: u32, height: u32) -> Self {
        let [width, height] = [width, height].map(u32::to_be_bytes);
        let mut item = Self::other(*b"av01", data);
        item.properties = vec![
            (*b"ispe", [&[0; 4], &width[..], &height].concat(), false),
            (*b"av1C", vec![0x81, 0, 0x0C, 0], true),
        ];
        item
    }

    /// Anything else.
    #[must_use]
    pub fn other(item_type: [u8; 4], data: Vec<u8>) -> Self {
        Self {
            item_type,
            name: vec![0],
            data,
            properties: Vec::new(),
            references: Vec::new(),
            gap: Vec::new(),
            inside: false,
        }
    }

    /// With one more property that readers need not understand.
    #[must_use]
    pub fn with(mut self, name: &[u8; 4], data: &[u8]) -> Self {
        self.properties.push((*name, data.to_vec(), false));
        self
    }
}

/// An AVIF to be written; the first item is its picture, numbered one.
#[derive(Debug, Clone)]
pub struct AvifDraft {
    /// Brands after the usual ones.
    pub brands: Vec<u8>,
    /// What follows the handler's type.
    pub handler: Vec<u8>,
    /// The items.
    pub items: Vec<AvifItem>,
    /// Boxes before, in and after the tables, and after the data.
    pub before: Vec<u8>,
    /// Boxes at the end of the tables.
    pub within: Vec<u8>,
    /// Bytes at the start of the data.
    pub data_start: Vec<u8>,
    /// Bytes after everything.
    pub after: Vec<u8>,
}

impl AvifDraft {
    /// A plain file of these items.
    #[must_use]
    pub fn of(items: Vec<AvifItem>) -> Self {
        Self {
            brands: Vec::new(),
            handler: vec![0; 13],
            items,
            before: Vec::new(),
            within: Vec::new(),
            data_start: Vec::new(),
            after: Vec::new(),
        }
    }

    /// The plain picture of [`avif`].
    #[must_use]
    pub fn plain() -> Self {
        Self::of(vec![AvifItem::picture(avif_coded(&avif(), false), 40, 24)])
    }

    /// The file.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let brands = [b"avif\0\0\0\0avifmif1miaf", &self.brands[..]].concat();
        let start = [avif_box(b"ftyp", &brands), self.before.clone()].concat();
        let tables = self.tables(0).len();
        let tables = self.tables(start.len() + tables + 8);
        let data = self.items.iter().filter(|item| !item.inside);
        let data: Vec<u8> = data.flat_map(AvifItem::stored).collect();
        let data = avif_box(b"mdat", &[&self.data_start[..], &data].concat());
        [start, tables, data, self.after.clone()].concat()
    }

    fn tables(&self, data_at: usize) -> Vec<u8> {
        let n_items = u16::try_from(self.items.len()).expect("few").to_be_bytes();
        let mut at = data_at + self.data_start.len();
        let mut inside = Vec::new();
        let mut places = vec![1, 0, 0, 0, 0x44, 0];
        places.extend(n_items);
        let mut infos = [&[0; 4], &n_items[..]].concat();
        let mut references = vec![0; 4];
        let mut properties = Vec::new();
        let mut associations = [&[0; 6], &n_items[..]].concat();
        let mut n_properties = 0;
        for (id, item) in (1_u16..).zip(&self.items) {
            let id = id.to_be_bytes();
            places.extend([&id[..], &[0, u8::from(item.inside), 0, 0]].concat());
            if item.inside {
                places.extend(item.extents(inside.len()));
                inside.extend(item.stored());
            } else {
                places.extend(item.extents(at));
                at += item.stored().len();
            }
            let entry = [&[2, 0, 0, 0], &id[..], &[0, 0], &item.item_type, &item.name].concat();
            infos.extend(avif_box(b"infe", &entry));
            for (name, to) in &item.references {
                references.extend(avif_box(
                    name,
                    &[&id[..], &[0, 1], &to.to_be_bytes()].concat(),
                ));
            }
            associations.extend(id);
            associations.push(u8::try_from(item.properties.len()).expect("few"));
            for (name, data, essential) in &item.properties {
                n_properties += 1;
                properties.extend(avif_box(name, data));
                associations.push(u8::from(*essential) << 7 | n_properties);
            }
        }
        let properties = [
            avif_box(b"ipco", &properties),
            avif_box(b"ipma", &associations),
        ];
        let body = [
            vec![0; 4],
            avif_box(b"hdlr", &[&[0; 8], &b"pict"[..], &self.handler].concat()),
            avif_box(b"pitm", &[0, 0, 0, 0, 0, 1]),
            avif_box(b"iloc", &places),
            avif_box(b"iinf", &infos),
            avif_box(b"iref", &references),
            avif_box(b"iprp", &properties.concat()),
            avif_box(b"idat", &inside),
            self.within.clone(),
        ];
        avif_box(b"meta", &body.concat())
    }
}

impl AvifItem {
    fn stored(&self) -> Vec<u8> {
        let (head, tail) = self.data.split_at(self.data.len() / 2);
        [head, &self.gap, tail].concat()
    }

    fn extents(&self, at: usize) -> Vec<u8> {
        let number = |number: usize| u32::try_from(number).expect("small").to_be_bytes();
        let half = self.data.len() / 2;
        if self.gap.is_empty() {
            return [&[0, 1], &number(at)[..], &number(self.data.len())].concat();
        }
        let second = at + half + self.gap.len();
        let lengths = [number(half), number(self.data.len() - half)];
        [
            &[0, 2],
            &number(at)[..],
            &lengths[0],
            &number(second),
            &lengths[1],
        ]
        .concat()
    }
}
