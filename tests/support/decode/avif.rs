//! The coded pictures of an AVIF, decoded: samples as they are coded, before
//! colours are computed and the picture is turned.

use re_rav1d::{Decoder, PlanarImageComponent, Settings};

use super::Frames;

/// The samples of every coded picture that belongs to what is shown, as one frame
/// each: of the picture or its tiles, then of its alpha. `None` if the file is not
/// laid out as writers of AVIF do, or if the decoder does not take it.
#[must_use]
pub fn avif(file: &[u8]) -> Option<Frames> {
    let meta = find(file, *b"meta")?.get(4..)?;
    let (references, properties) = (find(meta, *b"iref"), find(meta, *b"iprp")?);
    let primary = u32::from(u16_at(find(meta, *b"pitm")?, 4)?);
    let pointed = |name: &[u8; 4], item: u32| references_of(references, name, item);
    let with_tiles = |item: u32| match pointed(b"dimg", item) {
        tiles if tiles.is_empty() => vec![item],
        tiles => tiles,
    };
    let mut coded = with_tiles(primary);
    let alpha = items_with(properties, b"auxiliary:alpha\0")?;
    let alpha = alpha
        .into_iter()
        .find(|item| pointed(b"auxl", *item).contains(&primary));
    coded.extend(alpha.into_iter().flat_map(with_tiles));
    coded
        .into_iter()
        .map(|item| Some((decode(located(find(meta, *b"iloc")?, item, file)?)?, 0)))
        .collect()
}

/// The data of the first box of this name.
fn find(boxes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    let mut all = split(boxes).into_iter();
    all.find(|(found, _)| *found == name).map(|(_, data)| data)
}

/// Names and data of the boxes, up to one whose length is no plain number.
fn split(boxes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut rest = boxes;
    let mut found = Vec::new();
    while let Some(head) = rest.first_chunk::<8>() {
        let [a, b, c, d, name @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some(data) = rest.get(8..length) else {
            break;
        };
        found.push((name, data));
        rest = &rest[length..];
    }
    found
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*four)).ok()
}

/// The items that one refers to under this name; ids are of 16 bits.
fn references_of(table: Option<&[u8]>, name: &[u8; 4], item: u32) -> Vec<u32> {
    let entries = table.and_then(|table| table.get(4..)).unwrap_or_default();
    split(entries)
        .into_iter()
        .filter(|(found, data)| found == name && u16_at(data, 0).map(u32::from) == Some(item))
        .flat_map(|(_, data)| {
            let (targets, _) = data.get(4..).unwrap_or_default().as_chunks::<2>();
            let targets = targets.iter().map(|two| u16::from_be_bytes(*two).into());
            targets.collect::<Vec<u32>>()
        })
        .collect()
}

/// The items with a property that holds these words.
fn items_with(properties: &[u8], words: &[u8]) -> Option<Vec<u32>> {
    let holds = |data: &[u8]| data.windows(words.len()).any(|part| part == words);
    let property = split(find(properties, *b"ipco")?)
        .iter()
        .position(|(_, data)| holds(data));
    let Some(number) = property.and_then(|idx| u8::try_from(idx + 1).ok()) else {
        return Some(Vec::new());
    };
    let table = find(properties, *b"ipma")?;
    let mut entries = table.get(8..)?;
    let mut items = Vec::new();
    for _ in 0..u32_at(table, 4)? {
        let (id, n_properties) = (u16_at(entries, 0)?, usize::from(*entries.get(2)?));
        let numbers = entries.get(3..3 + n_properties)?;
        if numbers.iter().any(|entry| entry & 0x7F == number) {
            items.push(id.into());
        }
        entries = &entries[3 + n_properties..];
    }
    Some(items)
}

/// An item's data in one piece of the file: tables of versions 0 and 1 with
/// offsets and lengths of four bytes, and no base.
fn located<'a>(table: &[u8], item: u32, file: &'a [u8]) -> Option<&'a [u8]> {
    let version = *table.first()?;
    if version > 1 || table.get(4..6)? != [0x44, 0] {
        return None;
    }
    let method_bytes = usize::from(version) * 2;
    let mut at = 8;
    for _ in 0..u16_at(table, 6)? {
        let id = u32::from(u16_at(table, at)?);
        let in_the_file = version == 0 || u16_at(table, at + 2)? == 0;
        at += 2 + method_bytes + 2;
        let n_extents = u16_at(table, at)?;
        at += 2;
        if id == item {
            let (start, length) = (u32_at(table, at)?, u32_at(table, at + 4)?);
            return file
                .get(start..start.checked_add(length)?)
                .filter(|_| in_the_file && n_extents == 1);
        }
        at += 8 * usize::from(n_extents);
    }
    None
}

/// The rows of all channels.
fn decode(bitstream: &[u8]) -> Option<Vec<u8>> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    let mut decoder = Decoder::with_settings(&settings).ok()?;
    decoder
        .send_data(bitstream.to_vec(), None, None, None)
        .ok()?;
    let picture = decoder.get_picture().ok()?;
    let sample_bytes = if picture.bit_depth() > 8 { 2 } else { 1 };
    let (width, height) = (picture.width(), picture.height());
    let mut samples = Vec::new();
    for component in [
        PlanarImageComponent::Y,
        PlanarImageComponent::U,
        PlanarImageComponent::V,
    ] {
        let (halved_across, halved_down) = match (component, picture.pixel_layout()) {
            (PlanarImageComponent::Y, _) | (_, re_rav1d::PixelLayout::I444) => (false, false),
            (_, re_rav1d::PixelLayout::I420) => (true, true),
            (_, re_rav1d::PixelLayout::I422) => (true, false),
            (_, re_rav1d::PixelLayout::I400) => continue,
        };
        let side = |length: u32, halved| usize::try_from(length.div_ceil(1 + u32::from(halved)));
        let row_bytes = side(width, halved_across).ok()? * sample_bytes;
        let stride = usize::try_from(picture.stride(component)).ok()?;
        let plane = picture.plane(component);
        for row in plane.chunks(stride).take(side(height, halved_down).ok()?) {
            samples.extend_from_slice(row.get(..row_bytes)?);
        }
    }
    Some(samples)
}
