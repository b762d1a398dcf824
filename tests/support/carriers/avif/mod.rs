//! The places of AVIF.

mod file;

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use self::file::{File, Item, boxed, full_box, unit};
use super::exif::{self, Place};
use super::{List, icc};

/// Open bitstream units (AV1, 6.2.2).
const DELIMITER: u8 = 2;
const METADATA: u8 = 5;
const REPEATED_HEADER: u8 = 7;
const TILE_LIST: u8 = 8;
const RESERVED: u8 = 9;
const PADDING: u8 = 15;

const ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

/// Boxes of these names may stand anywhere (ISO/IEC 14496-12, 8.1).
const ANYWHERE: [&[u8; 4]; 4] = [b"free", b"skip", b"uuid", b"udta"];

pub(super) fn plain() -> Vec<u8> {
    changed(|_| {})
}

pub(super) fn plain_with_alpha() -> Vec<u8> {
    with_alpha(|_| {})
}

/// One carrier a place.
pub(super) fn list(list: &mut List) {
    list_items(list);
    list_boxes(list);
    list_data(list);
    list_properties(list);
    list_units(list);
}

/// One carrier a place that the alpha has.
pub(super) fn list_alpha(list: &mut List) {
    list.stored("behind the name of alpha", |marker| {
        let auxiliary = full_box(b"auxC", &[ALPHA, marker].concat());
        with_alpha(|alpha| *alpha.properties.last_mut().expect("its kind") = auxiliary)
    });
    list.stored("name of the alpha", |marker| {
        with_alpha(|alpha| alpha.name = [marker, &[0]].concat())
    });
    list.stored("description of the alpha", |marker| {
        with_alpha(|alpha| alpha.properties.push(description(marker)))
    });
    list.stored("between the data of the alpha", |marker| {
        with_alpha(|alpha| alpha.gap = marker.to_vec())
    });
    list.stored("metadata unit of the alpha", |marker| {
        with_alpha(|alpha| alpha.data.extend(unit(METADATA, &registered(marker))))
    });
    list.stored("ICC of the alpha", |marker| {
        let profile = icc::profile(icc::Place::Description, marker);
        let colours = boxed(b"colr", &[b"prof", &profile[..]].concat());
        with_alpha(|alpha| alpha.properties.push(colours))
    });
    list.stored("second alpha", |marker| {
        let mut second = alpha();
        second.data.extend(unit(METADATA, marker));
        let items = vec![Item::colour(), alpha(), second];
        File::of(items).write()
    });
    list.stored("alpha of the alpha", |marker| {
        let mut second = alpha();
        second.references = vec![(*b"auxl", 2)];
        second.data.extend(unit(METADATA, marker));
        let items = vec![Item::colour(), alpha(), second];
        File::of(items).write()
    });
}

/// The plain file after a change.
fn changed(change: impl FnOnce(&mut File)) -> Vec<u8> {
    let mut file = File::of(vec![Item::colour()]);
    change(&mut file);
    file.write()
}

/// The plain file after a change to its picture.
fn item(change: impl FnOnce(&mut Item)) -> Vec<u8> {
    changed(|file| change(&mut file.items[0]))
}

fn property(property: Vec<u8>) -> Vec<u8> {
    item(|item| item.properties.push(property))
}

/// The plain file with another item.
fn beside(other: Item) -> Vec<u8> {
    changed(|file| file.items.push(other))
}

fn alpha() -> Item {
    let item = Item::grey().with(full_box(b"auxC", ALPHA));
    item.referring(b"auxl", 1)
}

fn with_alpha(change: impl FnOnce(&mut Item)) -> Vec<u8> {
    let mut alpha = alpha();
    change(&mut alpha);
    beside(alpha)
}

/// As a mobile phone describes its picture for people.
fn description(marker: &[u8]) -> Vec<u8> {
    let text = [b"en\0holiday\0", marker, b"\0beach,family\0"].concat();
    full_box(b"udes", &text)
}

/// A metadata unit's payload of the type that anyone may register (ITU-T T.35).
fn registered(marker: &[u8]) -> Vec<u8> {
    [&[4, 0xB5, 0, 0x3C], marker, &[0x80]].concat()
}

fn list_items(list: &mut List) {
    let exif_item = |place, marker: &[u8]| {
        let block = [&[0; 4][..], &exif::block(place, marker)].concat();
        Item::new(*b"Exif", b"\0", &block)
    };
    for (name, place) in [
        ("Exif maker", Place::Maker),
        ("Exif position", Place::Position),
        ("Exif maker note", Place::MakerNote),
        ("Exif user comment", Place::UserComment),
        ("Exif thumbnail", Place::Thumbnail),
        ("Exif between its directories", Place::Gap),
    ] {
        list.stored(name, |marker| {
            beside(exif_item(place, marker).referring(b"cdsc", 1))
        });
    }
    list.stored("Exif that describes nothing", |marker| {
        beside(exif_item(Place::Maker, marker))
    });
    list.stored("Exif inside the tables", |marker| {
        let mut exif = exif_item(Place::Position, marker).referring(b"cdsc", 1);
        exif.inside = true;
        beside(exif)
    });
    list.stored("XMP", |marker| {
        let xmp = Item::new(*b"mime", b"\0application/rdf+xml\0", marker);
        beside(xmp.referring(b"cdsc", 1))
    });
    list.stored("XMP that is compressed", |marker| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(marker).expect("memory takes it");
        let packed = encoder.finish().expect("memory takes it");
        let xmp = Item::new(*b"mime", b"\0application/rdf+xml\0deflate\0", &packed);
        beside(xmp.referring(b"cdsc", 1))
    });
    list.stored("type of XMP", |marker| {
        let name = [&[0], marker, &[0]].concat();
        beside(Item::new(*b"mime", &name, b"x").referring(b"cdsc", 1))
    });
    list.stored("item named by a URI", |marker| {
        let name = [b"\0urn:", marker, &[0]].concat();
        beside(Item::new(*b"uri ", &name, b"x").referring(b"cdsc", 1))
    });
    list.stored("content credentials", |marker| {
        beside(Item::new(*b"jumb", b"\0", &boxed(b"jumd", marker)))
    });
    list.stored("unknown item", |marker| {
        beside(Item::new(*b"what", b"\0", marker).referring(b"what", 1))
    });
    list.stored("gain map", |marker| {
        beside(Item::new(*b"tmap", b"\0", marker).referring(b"dimg", 1))
    });
    list.stored("name of the picture", |marker| {
        item(|item| item.name = [marker, &[0]].concat())
    });
    list.stored("behind the name of the picture", |marker| {
        item(|item| item.name = [&[0], marker].concat())
    });
    let other = |marker: &[u8]| {
        let mut other = Item::colour();
        other.data.extend(unit(METADATA, &registered(marker)));
        other
    };
    list.stored("thumbnail", |marker| {
        beside(other(marker).referring(b"thmb", 1))
    });
    list.stored("hidden picture", |marker| {
        let mut hidden = other(marker);
        hidden.hidden = true;
        beside(hidden)
    });
    list.stored("picture that nothing shows", |marker| beside(other(marker)));
    list.stored("depth map", |marker| {
        let depth = b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0";
        let depth = other(marker).with(full_box(b"auxC", depth));
        beside(depth.referring(b"auxl", 1))
    });
    list.stored("name of an auxiliary picture", |marker| {
        let name = [b"urn:com:camera:", marker, &[0]].concat();
        let auxiliary = Item::grey().with(full_box(b"auxC", &name));
        beside(auxiliary.referring(b"auxl", 1))
    });
}

fn list_boxes(list: &mut List) {
    const NAMES: [[&str; 3]; 4] = [
        [
            "free box before",
            "free box in the tables",
            "free box after",
        ],
        [
            "skip box before",
            "skip box in the tables",
            "skip box after",
        ],
        [
            "uuid box before",
            "uuid box in the tables",
            "uuid box after",
        ],
        [
            "user data before",
            "user data in the tables",
            "user data after",
        ],
    ];
    for ([before, within, after], name) in NAMES.into_iter().zip(ANYWHERE) {
        list.stored(before, |marker| {
            changed(|file| file.before = boxed(name, marker))
        });
        list.stored(within, |marker| {
            changed(|file| file.in_tables = boxed(name, marker))
        });
        list.stored(after, |marker| {
            changed(|file| file.after = boxed(name, marker))
        });
    }
    list.stored("free box of a long length", |marker| {
        let length = u64::try_from(marker.len() + 16).expect("small");
        let head = [b"\0\0\0\x01free", &length.to_be_bytes()[..]].concat();
        changed(|file| file.before = [&head, marker].concat())
    });
    list.stored("box up to the end", |marker| {
        changed(|file| file.after = [b"\0\0\0\0free", marker].concat())
    });
    list.stored("XMP in a uuid box", |marker| {
        let kind = b"\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC";
        changed(|file| file.before = boxed(b"uuid", &[kind, marker].concat()))
    });
    list.stored("content credentials in a uuid box", |marker| {
        let kind = b"\xD8\xFE\xC3\xD6\x1B\x0E\x48\x3C\x92\x97\x58\x28\x87\x7E\xC4\x81";
        changed(|file| file.before = boxed(b"uuid", &[kind, marker].concat()))
    });
    for (name, box_name) in [
        ("XML in the tables", b"xml "),
        ("binary XML in the tables", b"bxml"),
        ("groups", b"grpl"),
        ("protection", b"ipro"),
        ("unknown table", b"what"),
    ] {
        list.stored(name, |marker| {
            changed(|file| file.in_tables = full_box(box_name, marker))
        });
    }
    list.stored("location of the data", |marker| {
        let url = [b"\0\0\0\x01", full_box(b"url ", marker).as_slice()].concat();
        let references = boxed(b"dinf", &full_box(b"dref", &url));
        changed(|file| file.in_tables = references)
    });
    list.stored("second tables", |marker| {
        changed(|file| file.after = full_box(b"meta", &full_box(b"xml ", marker)))
    });
    list.stored("video", |marker| {
        changed(|file| file.after = boxed(b"moov", &boxed(b"udta", marker)))
    });
    list.stored("box among the entries of items", |marker| {
        changed(|file| file.in_infos = boxed(b"free", marker))
    });
    list.stored("box among the references", |marker| {
        let nothing = [&[0, 1, 0, 0][..], marker].concat();
        changed(|file| file.in_references = boxed(b"what", &nothing))
    });
    list.stored("box beside the properties", |marker| {
        changed(|file| file.beside_properties = boxed(b"free", marker))
    });
    for (name, table) in [
        ("behind the primary item", "pitm"),
        ("behind the locations", "iloc"),
        ("behind the associations", "ipma"),
    ] {
        list.stored(name, |marker| {
            changed(|file| file.behind = Some((table, marker.to_vec())))
        });
    }
    list.stored("brands", |marker| {
        changed(|file| file.brands = marker.to_vec())
    });
    list.stored("name of the writer", |marker| {
        changed(|file| file.handler = [&[0; 12], marker, &[0]].concat())
    });
    list.stored("words of the handler", |marker| {
        changed(|file| file.handler = [marker, &[0]].concat())
    });
    list.stored("bytes behind the end", |marker| {
        changed(|file| file.after = marker.to_vec())
    });
    list.stored("second file behind the end", |marker| {
        let second = changed(|file| file.before = boxed(b"free", marker));
        [plain(), second].concat()
    });
}

fn list_data(list: &mut List) {
    list.stored("before the data", |marker| {
        changed(|file| file.data_start = marker.to_vec())
    });
    list.stored("between the data", |marker| {
        item(|item| item.gap = marker.to_vec())
    });
    list.stored("behind the data", |marker| {
        changed(|file| file.data_end = marker.to_vec())
    });
    list.stored("second data", |marker| {
        changed(|file| file.after = boxed(b"mdat", marker))
    });
    list.stored("data inside the tables", |marker| {
        changed(|file| file.inside_end = marker.to_vec())
    });
    list.stored("behind a picture inside the tables", |marker| {
        changed(|file| {
            file.items[0].inside = true;
            file.inside_end = marker.to_vec();
        })
    });
}

fn list_properties(list: &mut List) {
    list.stored("unknown property", |marker| {
        property(boxed(b"what", marker))
    });
    list.stored("free box as a property", |marker| {
        property(boxed(b"free", marker))
    });
    list.stored("property of nothing", |marker| {
        changed(|file| file.in_properties = boxed(b"udes", marker))
    });
    list.stored("description", |marker| property(description(marker)));
    for (name, box_name, fields) in [
        (
            "behind the depths",
            b"pixi",
            &b"\0\0\0\0\x03\x08\x08\x08"[..],
        ),
        (
            "behind the shape of pixels",
            b"pasp",
            b"\0\0\0\x01\0\0\0\x01",
        ),
        (
            "behind the numbers of colours",
            b"colr",
            b"nclx\0\x01\0\x0D\0\x06\x80",
        ),
        ("behind the brightness", b"clli", b"\0\x64\0\x32"),
        ("behind the turning", b"irot", b"\0"),
        ("behind the mirroring", b"imir", b"\x01"),
        ("colours of an unknown kind", b"colr", b"what"),
    ] {
        list.stored(name, |marker| {
            property(boxed(box_name, &[fields, marker].concat()))
        });
    }
    list.stored("behind the size", |marker| {
        item(|item| item.properties[0] = longer(&item.properties[0], marker))
    });
    list.stored("units in the configuration", |marker| {
        let more = unit(METADATA, &registered(marker));
        item(|item| item.properties[1] = longer(&item.properties[1], &more))
    });
    for (name, place) in icc::PLACES {
        list.recoloured(name, |marker| {
            let profile = icc::profile(place, marker);
            property(boxed(b"colr", &[b"prof", &profile[..]].concat()))
        });
    }
    list.recoloured("ICC that is restricted", |marker| {
        let profile = icc::profile(icc::Place::Copyright, marker);
        property(boxed(b"colr", &[b"rICC", &profile[..]].concat()))
    });
    list.stored("ICC that is damaged", |marker| {
        property(boxed(b"colr", &[b"prof", marker].concat()))
    });
}

fn list_units(list: &mut List) {
    for (name, unit_type, before) in [
        ("metadata unit before", METADATA, true),
        ("metadata unit after", METADATA, false),
        ("padding before", PADDING, true),
        ("padding after", PADDING, false),
        ("in a delimiter", DELIMITER, true),
        ("repeated header", REPEATED_HEADER, false),
        ("tile list", TILE_LIST, false),
        ("reserved unit", RESERVED, false),
    ] {
        list.stored(name, |marker| {
            item(|item| {
                let at = if before {
                    frame(&item.data)
                } else {
                    item.data.len()
                };
                item.data.splice(at..at, unit(unit_type, marker));
            })
        });
    }
    list.stored("registered metadata", |marker| {
        item(|item| {
            let at = frame(&item.data);
            item.data
                .splice(at..at, unit(METADATA, &registered(marker)));
        })
    });
    list.stored("unit without a length", |marker| {
        item(|item| item.data.extend([&[RESERVED << 3], marker].concat()))
    });
    list.stored("behind the sequence header", |marker| {
        item(|item| {
            let header = item.data.iter().position(|byte| *byte == 0x0A);
            let header = header.expect("a sequence header");
            let length = usize::from(item.data[header + 1]);
            item.data[header + 1] += u8::try_from(marker.len()).expect("small");
            let end = header + 2 + length;
            item.data.splice(end..end, marker.iter().copied());
        })
    });
}

/// Where the unit of the frame begins.
fn frame(data: &[u8]) -> usize {
    let at = data.iter().position(|byte| *byte == 0x32);
    at.expect("a frame")
}

/// A box with more data in it.
fn longer(whole: &[u8], more: &[u8]) -> Vec<u8> {
    let name = whole[4..].first_chunk().expect("a name");
    boxed(name, &[&whole[8..], more].concat())
}
