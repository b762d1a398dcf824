//! What comes before a JPEG's first scan, reduced to what the pixels need.

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::jpeg::is_jfif;
use crate::stage::sniff::jpeg::{next_marker, segment};

/// Frame header and tables, with the colour space decided.
pub(super) struct Head {
    frame: Frame,
    transform: Option<u8>,
    /// DHT, DQT and DRI as whole segments.
    tables: Vec<u8>,
}

struct Frame {
    code: u8,
    body: Vec<u8>,
}

/// Offset of the component count in a frame header; three bytes a component follow.
const COMPONENTS_AT: usize = 5;

impl Head {
    /// Reads up to and including the marker of the first scan.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Reject> {
        let mut frame = None;
        let mut tables = Vec::new();
        let (mut jfif, mut adobe_transform) = (false, None);
        loop {
            match next_marker(cursor)? {
                0xDA => break,
                0xD9 => return Err(Reject::Truncated),
                code @ 0xC0..=0xC2 => {
                    let found = Frame::read(code, segment(cursor)?)?;
                    if frame.replace(found).is_some() {
                        return Err(Reject::Malformed {
                            detail: "the JPEG has two frame headers",
                        });
                    }
                }
                code @ (0xC4 | 0xDB | 0xDD) => {
                    push_segment(&mut tables, code, segment(cursor)?);
                    check_tables(tables.len())?;
                }
                0xE0 => jfif |= is_jfif(segment(cursor)?),
                0xEE => adobe_transform = transform_of(segment(cursor)?).or(adobe_transform),
                code => skip(code, cursor)?,
            }
        }
        let frame = frame.ok_or(Reject::Malformed {
            detail: "the JPEG has no frame header",
        })?;
        let transform = colour_transform(frame.ids(), jfif, adobe_transform);
        Ok(Self {
            frame,
            transform,
            tables,
        })
    }

    pub(super) fn is_progressive(&self) -> bool {
        self.frame.code == 0xC2
    }

    pub(super) fn tables_len(&self) -> usize {
        self.tables.len()
    }

    pub(super) fn n_components(&self) -> usize {
        self.frame.ids().count()
    }

    /// The frame header comes before the tables, which zune-jpeg reads by it.
    pub(super) fn write(&self, stream: &mut Vec<u8>) {
        if let Some(transform) = self.transform {
            let adobe = [&b"Adobe"[..], &[0, 100, 0, 0, 0, 0, transform]].concat();
            push_segment(stream, 0xEE, &adobe);
        }
        let mut frame = self.frame.body.clone();
        for (id, component) in (1..).zip(frame[COMPONENTS_AT + 1..].chunks_mut(3)) {
            component[0] = id;
        }
        push_segment(stream, self.frame.code, &frame);
        stream.extend_from_slice(&self.tables);
    }

    /// Writes a scan header, naming the components as [`Head::write`] does.
    pub(super) fn write_scan(&self, scan: &[u8], stream: &mut Vec<u8>) -> Result<(), Reject> {
        let mut scan = scan.to_vec();
        let n_components = usize::from(*scan.first().ok_or(Reject::Truncated)?);
        let selectors = scan
            .get_mut(1..=2 * n_components)
            .ok_or(Reject::Truncated)?;
        for selector in selectors.chunks_mut(2) {
            let position = self.frame.ids().position(|id| id == selector[0]);
            let unknown = Reject::Malformed {
                detail: "a scan names an unknown component",
            };
            let id = position
                .and_then(|idx| u8::try_from(idx + 1).ok())
                .ok_or(unknown)?;
            selector[0] = id;
        }
        push_segment(stream, 0xDA, &scan);
        Ok(())
    }
}

impl Frame {
    fn read(code: u8, body: &[u8]) -> Result<Self, Reject> {
        let n_components = usize::from(*body.get(COMPONENTS_AT).ok_or(Reject::Truncated)?);
        if body.len() != COMPONENTS_AT + 1 + 3 * n_components {
            return Err(Reject::Malformed {
                detail: "the JPEG's frame header has another length",
            });
        }
        Ok(Self {
            code,
            body: body.to_vec(),
        })
    }

    fn ids(&self) -> impl Iterator<Item = u8> + '_ {
        self.body[COMPONENTS_AT + 1..].iter().step_by(3).copied()
    }
}

/// A scan needs at most eight tables of 276 bytes, the file four of 132: this is
/// enough to define all of them anew for each of the scans there may be. Every
/// definition, be it of 21 bytes, costs a decoder a look-up table.
const TABLES_LEN_MAX: usize = 160 << 10;

/// Refuses tables that are defined over and over.
pub(super) fn check_tables(tables_len: usize) -> Result<(), Reject> {
    if tables_len > TABLES_LEN_MAX {
        return Err(Reject::Malformed {
            detail: "the JPEG has too many tables",
        });
    }
    Ok(())
}

/// The transform that an APP14 segment of Adobe's names.
fn transform_of(app14: &[u8]) -> Option<u8> {
    app14.strip_prefix(b"Adobe")?.get(6).copied()
}

/// Which of Adobe's transforms the colours went through, decided as libjpeg
/// does (jdapimin.c, `default_decompress_parms`): what the classifier sees must
/// be what browsers show. `None` for grey.
pub(in crate::stage) fn colour_transform(
    ids: impl Iterator<Item = u8>,
    jfif: bool,
    adobe_transform: Option<u8>,
) -> Option<u8> {
    const NONE: u8 = 0;
    const YCBCR: u8 = 1;
    const YCCK: u8 = 2;
    let ids: Vec<u8> = ids.collect();
    match (ids.as_slice(), adobe_transform) {
        ([_], _) => None,
        ([_, _, _, _], None | Some(NONE)) => Some(NONE),
        ([_, _, _, _], Some(_)) => Some(YCCK),
        (_, Some(NONE)) if !jfif => Some(NONE),
        (b"RGB", None) if !jfif => Some(NONE),
        _ => Some(YCBCR),
    }
}

/// Skips the segment of a marker that carries no pixels.
pub(super) fn skip(code: u8, cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    match code {
        // Markers without a segment: TEM, RSTn, SOI.
        0x01 | 0xD0..=0xD8 => Ok(()),
        // Other frames, arithmetic coding, DNL, hierarchies.
        0xC0..=0xCF | 0xDC | 0xDE | 0xDF => Err(Reject::Malformed {
            detail: "the JPEG mixes kinds of coding",
        }),
        _ => segment(cursor).map(|_| ()),
    }
}

pub(super) fn push_segment(stream: &mut Vec<u8>, code: u8, body: &[u8]) {
    stream.extend_from_slice(&[0xFF, code]);
    let length = u16::try_from(body.len() + 2).expect("the body came with a u16 length");
    stream.extend_from_slice(&length.to_be_bytes());
    stream.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_space_is_libjpegs() {
        let transform =
            |ids: &[u8], jfif, adobe| colour_transform(ids.iter().copied(), jfif, adobe);
        assert_eq!(transform(&[1], true, Some(1)), None);
        assert_eq!(transform(&[1, 2, 3], false, None), Some(1));
        assert_eq!(transform(&[1, 2, 3], false, Some(0)), Some(0));
        assert_eq!(transform(&[1, 2, 3], true, Some(0)), Some(1));
        assert_eq!(transform(&[1, 2, 3], false, Some(9)), Some(1));
        assert_eq!(transform(b"RGB", false, None), Some(0));
        assert_eq!(transform(b"RGB", false, Some(1)), Some(1));
        assert_eq!(transform(b"RGB", true, None), Some(1));
        assert_eq!(transform(&[1, 2, 3, 4], true, None), Some(0));
        assert_eq!(transform(&[1, 2, 3, 4], false, Some(0)), Some(0));
        assert_eq!(transform(&[1, 2, 3, 4], false, Some(1)), Some(2));
    }
}
