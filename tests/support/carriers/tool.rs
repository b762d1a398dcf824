//! Metadata in every place a file of each format can hide it: with exiftool
//! where exiftool can write, by hand where it cannot.

use std::path::Path;

use crate::exiftool;
use crate::picture::{Format, Jpeg, Picture};

/// Where the planted position lies. Neither number occurs otherwise.
const LATITUDE: &str = "52.518623";
const LONGITUDE: &str = "13.376198";

/// A copy of `file` that carries `marker` in every place its format has.
/// `scratch` is a folder for the files exiftool works on.
///
/// # Panics
/// When exiftool refuses, or a file cannot be written.
#[must_use]
pub fn planted(file: &[u8], format: Format, marker: &str, scratch: &Path) -> Vec<u8> {
    let path = scratch.join(format!("{marker}.{}", format.extension()));
    std::fs::write(&path, file).expect("scratch is writable");
    exiftool::plant(&path, &tags(format, marker, scratch));
    let tagged = std::fs::read(&path).expect("exiftool left a file");
    match format {
        Format::Jpeg => jpeg(&tagged, marker),
        Format::Png => png(&tagged, marker),
        Format::Webp => webp(&tagged, marker),
        Format::Gif => gif(&tagged, marker),
    }
}

/// The same for an AVIF, of which [`Format`] knows nothing: Exif and XMP by
/// exiftool, and a trailer.
///
/// # Panics
/// When exiftool refuses, or a file cannot be written.
#[must_use]
pub fn planted_avif(file: &[u8], marker: &str, scratch: &Path) -> Vec<u8> {
    let path = scratch.join(format!("{marker}.avif"));
    std::fs::write(&path, file).expect("scratch is writable");
    // It writes the same two blocks into both.
    exiftool::plant(&path, &tags(Format::Webp, marker, scratch));
    let tagged = std::fs::read(&path).expect("exiftool left a file");
    [&tagged, marker.as_bytes()].concat()
}

/// What exiftool is asked to write.
fn tags(format: Format, marker: &str, scratch: &Path) -> Vec<String> {
    let mut tags: Vec<String> = [
        "XMP-dc:Creator",
        "XMP-dc:Description",
        "XMP-photoshop:City",
        "XMP-xmp:CreatorTool",
    ]
    .map(|tag| format!("-{tag}={marker}"))
    .to_vec();
    if format == Format::Gif {
        return tags;
    }
    tags.extend(
        [
            "EXIF:Make",
            "EXIF:Model",
            "EXIF:LensModel",
            "EXIF:Artist",
            "EXIF:Copyright",
            "EXIF:Software",
            "EXIF:ImageDescription",
            "EXIF:UserComment",
            "EXIF:OwnerName",
            "EXIF:SerialNumber",
            "EXIF:XPComment",
        ]
        .map(|tag| format!("-{tag}={marker}")),
    );
    tags.extend(
        [
            ("GPSLatitude", LATITUDE),
            ("GPSLatitudeRef", "N"),
            ("GPSLongitude", LONGITUDE),
            ("GPSLongitudeRef", "E"),
            ("GPSProcessingMethod", marker),
            ("DateTimeOriginal", "2019:08:07 06:05:04"),
        ]
        .map(|(tag, value)| format!("-EXIF:{tag}={value}")),
    );
    if format == Format::Jpeg {
        tags.extend(
            [
                "IPTC:Caption-Abstract",
                "IPTC:By-line",
                "IPTC:City",
                "Comment",
            ]
            .map(|tag| format!("-{tag}={marker}")),
        );
        let thumbnail = scratch.join(format!("{marker}-thumbnail.jpg"));
        let bytes = jpeg(&Picture::scene(32, 24, 9).jpeg(Jpeg::Baseline), marker);
        std::fs::write(&thumbnail, bytes).expect("scratch is writable");
        tags.push(format!("-ThumbnailImage<={}", thumbnail.display()));
    }
    tags
}

/// Application segments nobody needs, a comment, and a trailer.
fn jpeg(file: &[u8], marker: &str) -> Vec<u8> {
    let mut planted = file[..2].to_vec();
    for (segment, signature) in [
        (0xE1, &b"Exif\0\0"[..]),
        (0xE2, b"MPF\0"),
        (0xEB, b"JP\0\0"),
        (0xEC, b"Ducky\0"),
        (0xED, b"Photoshop 3.0\0"),
        (0xEF, b"private\0"),
        (0xFE, b""),
    ] {
        let payload = [signature, marker.as_bytes()].concat();
        let length = u16::try_from(payload.len() + 2).expect("a marker is short");
        planted.extend([0xFF, segment]);
        planted.extend(length.to_be_bytes());
        planted.extend(payload);
    }
    planted.extend(&file[2..]);
    planted.extend(marker.as_bytes());
    planted
}

/// Text and private chunks before the pixels, and a trailer.
fn png(file: &[u8], marker: &str) -> Vec<u8> {
    const HEADER_END: usize = 33;
    let mut planted = file[..HEADER_END].to_vec();
    for (kind, prefix) in [
        (b"tEXt", &b"Comment\0"[..]),
        (b"tEXt", b"parameters\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0"),
        (b"prVt", b""),
    ] {
        let payload = [prefix, marker.as_bytes()].concat();
        let length = u32::try_from(payload.len()).expect("a marker is short");
        let typed = [kind, payload.as_slice()].concat();
        planted.extend(length.to_be_bytes());
        planted.extend(&typed);
        planted.extend(crc32fast::hash(&typed).to_be_bytes());
    }
    planted.extend(&file[HEADER_END..]);
    planted.extend(marker.as_bytes());
    planted
}

/// An unknown chunk inside the container, and a trailer behind it.
fn webp(file: &[u8], marker: &str) -> Vec<u8> {
    let mut planted = file.to_vec();
    planted.extend(b"PRVT");
    planted.extend(
        u32::try_from(marker.len())
            .expect("a marker is short")
            .to_le_bytes(),
    );
    planted.extend(marker.as_bytes());
    if marker.len() % 2 == 1 {
        planted.push(0);
    }
    let size = u32::try_from(planted.len() - 8).expect("a test picture is small");
    planted[4..8].copy_from_slice(&size.to_le_bytes());
    planted.extend(marker.as_bytes());
    planted
}

/// A comment, a foreign application's block and a text block before the first
/// frame, and a trailer.
fn gif(file: &[u8], marker: &str) -> Vec<u8> {
    let colours = if file[10] & 0x80 == 0 {
        0
    } else {
        2_usize << (file[10] & 7)
    };
    let header_end = 13 + colours * 3;
    let length = u8::try_from(marker.len()).expect("a marker is short");
    let mut planted = file[..header_end].to_vec();
    for head in [
        &[0x21, 0xFE][..],
        b"\x21\xFF\x0BPRIVATEDATA",
        b"\x21\x01\x0C\0\0\0\0\x01\0\x01\0\x08\x08\0\0",
    ] {
        planted.extend(head);
        planted.push(length);
        planted.extend(marker.as_bytes());
        planted.push(0);
    }
    planted.extend(&file[header_end..]);
    planted.extend(marker.as_bytes());
    planted
}
