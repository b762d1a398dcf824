//! Colour profiles as a camera maker writes them, with the marker in one place.

/// Where in the profile the marker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Description,
    Copyright,
    WideText,
    Private,
    Header,
    /// Behind the numbers of a tag.
    Tail,
    /// Between two tags.
    Gap,
}

/// Every place, by name.
pub(super) const PLACES: [(&str, Place); 7] = [
    ("ICC description", Place::Description),
    ("ICC copyright", Place::Copyright),
    ("ICC text in UTF-16", Place::WideText),
    ("ICC private tag", Place::Private),
    ("ICC header", Place::Header),
    ("ICC behind a tag's numbers", Place::Tail),
    ("ICC between two tags", Place::Gap),
];

/// A version 2 matrix profile of colours that are no standard's.
pub(super) fn profile(place: Place, marker: &[u8]) -> Vec<u8> {
    let at = |here: Place, otherwise: &[u8]| {
        if here == place {
            marker.to_vec()
        } else {
            otherwise.to_vec()
        }
    };
    let description = at(Place::Description, b"Camera");
    let description = [
        b"desc\0\0\0\0",
        &number(description.len() + 1)[..],
        &description,
        &[0; 1 + 8 + 3 + 67],
    ]
    .concat();
    let wide: Vec<u8> = at(Place::WideText, b"Camera")
        .iter()
        .flat_map(|byte| [0, *byte])
        .collect();
    let wide = [
        &b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cdeAT"[..],
        &number(wide.len()),
        &[0, 0, 0, 28],
        &wide,
    ]
    .concat();
    let colour = |values: [u32; 3]| {
        let values = values.map(u32::to_be_bytes).concat();
        [&b"XYZ \0\0\0\0"[..], &values].concat()
    };
    let gamma = [
        &b"curv\0\0\0\0\0\0\0\x01\x02\x33"[..],
        &at(Place::Tail, b""),
    ]
    .concat();
    build(
        &[
            (b"desc", description),
            (b"dmdd", wide),
            (
                b"cprt",
                [b"text\0\0\0\0", &at(Place::Copyright, b"Maker")[..], b"\0"].concat(),
            ),
            (b"wtpt", colour([0xF6D6, 0x10000, 0xD32D])),
            (b"rXYZ", colour([0x7000, 0x3A00, 0x0500])),
            (b"gXYZ", colour([0x6000, 0xB500, 0x1A00])),
            (b"bXYZ", colour([0x26D6, 0x1100, 0xB42D])),
            (b"rTRC", gamma.clone()),
            (b"gTRC", gamma.clone()),
            (b"bTRC", gamma),
            (
                b"prvt",
                [b"data\0\0\0\0", &at(Place::Private, b"none")[..]].concat(),
            ),
        ],
        &at(Place::Gap, b""),
        &at(Place::Header, b""),
    )
}

fn build(tags: &[(&[u8; 4], Vec<u8>)], gap: &[u8], naming: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 128];
    header[8] = 2;
    header[12..24].copy_from_slice(b"mntrRGB XYZ ");
    header[24..36].copy_from_slice(&[7, 0xE6, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9]);
    header[36..40].copy_from_slice(b"acsp");
    header[68..80].copy_from_slice(&[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]);
    header[84..84 + naming.len()].copy_from_slice(naming);
    let mut table = number(tags.len()).to_vec();
    let mut data = Vec::new();
    let data_at = 128 + 4 + 12 * tags.len();
    for (name, body) in tags {
        table.extend_from_slice(*name);
        table.extend(number(data_at + data.len()));
        table.extend(number(body.len()));
        data.extend_from_slice(body);
        data.extend_from_slice(gap);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    let mut profile = [header, table, data].concat();
    let size = number(profile.len());
    profile[..4].copy_from_slice(&size);
    profile
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_be_bytes()
}
