//! JPEG: the frame, its tables and its scans, each written again from its
//! fields; the entropy-coded data byte for byte (ITU-T T.81).
//!
//! Kept besides: JFIF (no density, no thumbnail) and Adobe (the colour
//! transform), both rebuilt, and a known colour space, by a profile of our own.
//! Everything else is not copied: other APPn, COM, bytes between segments,
//! whatever follows the end of the image.
//!
//! Bytes that decoders ignore could hide behind the last block of a scan, before
//! the next marker: only following its bits tells them apart. `verify` does that
//! for every file; where it finds some, `without_tails` cuts them off.

pub(in crate::stage) mod frame;
pub(in crate::stage) mod outline;
pub(in crate::stage) mod segments;
pub(in crate::stage) mod tables;
mod verify;

#[cfg(test)]
mod tests;

use self::frame::{Frame, Scan};
use self::segments::{EOI, SOI, SOS, Segment, Segments};
use self::tables::{DHT, DQT, Tables};
pub(super) use self::verify::{TAIL, verify};
use super::icc::{self, Channels};
use super::malformed;
use crate::error::Reject;
pub(super) use crate::stage::jpeg_coefficients::without_tails;

pub(in crate::stage) const DRI: u8 = 0xDD;
pub(in crate::stage) const APP0: u8 = 0xE0;
pub(in crate::stage) const APP2: u8 = 0xE2;
pub(in crate::stage) const APP14: u8 = 0xEE;

const JFIF: &[u8] = b"JFIF\0";
/// Version 1.01 with square pixels of no size, and no thumbnail.
const SQUARE_JFIF: &[u8] = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
/// Name, version, units, two densities and the size of a thumbnail.
const JFIF_BYTES: usize = 14;
const ADOBE: &[u8] = b"Adobe";
pub(in crate::stage) const ICC: &[u8] = b"ICC_PROFILE\0";

/// Writes the JPEG again from the parts that are picture.
pub(super) fn rebuild(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut segments = Segments::new(bytes)?;
    let mut parts = Parts::default();
    let mut out = Vec::with_capacity(bytes.len());
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => {
                parts.write_scan_header(segment.payload, &mut out)?;
                segments.copy_entropy(parts.restart_interval != 0, &mut out)?;
            }
            EOI => break,
            _ => parts.read(&segment)?,
        }
    }
    if !parts.is_complete() {
        return Err(malformed("the image lacks a component"));
    }
    out.extend_from_slice(&[0xFF, EOI]);
    Ok(out)
}

/// What has been read and is written when the first scan begins.
#[derive(Default)]
struct Parts<'a> {
    frame: Option<Frame>,
    tables: Tables,
    restart_interval: u16,
    restart_written: u16,
    is_jfif: bool,
    adobe: Option<u8>,
    icc: Vec<(u8, u8, &'a [u8])>,
    /// By component of the frame: whether a scan has begun it.
    begun: [bool; 4],
}

impl<'a> Parts<'a> {
    /// Takes a segment if it is on the allow-list.
    fn read(&mut self, segment: &Segment<'a>) -> Result<(), Reject> {
        let payload = segment.payload;
        match segment.marker {
            APP0 => self.read_jfif(payload),
            APP2 => self.read_icc(payload),
            APP14 => self.read_adobe(payload)?,
            DQT => self.tables.define_quantisation(payload)?,
            DHT => self.tables.define_huffman(payload)?,
            DRI => self.restart_interval = restart_interval(payload)?,
            0xC0..=0xC2 => self.read_frame(segment.marker, payload)?,
            0xC3..=0xCF => return Err(malformed("a JPEG process we do not decode")),
            _ => {}
        }
        Ok(())
    }

    /// That there is a JFIF header says how colours are coded, so it is kept; its
    /// thumbnail and its densities, which nobody shows and anything can be written
    /// into, are not.
    fn read_jfif(&mut self, payload: &[u8]) {
        self.is_jfif |= is_jfif(payload);
    }

    /// The colour transform of an Adobe segment: without it RGB and CMYK files
    /// come out in wrong colours.
    fn read_adobe(&mut self, payload: &[u8]) -> Result<(), Reject> {
        match payload.strip_prefix(ADOBE).and_then(|rest| rest.get(6)) {
            Some(transform @ 0..=2) => self.adobe = Some(*transform),
            // Decoders disagree on what it would mean.
            Some(_) => return Err(malformed("a colour transform that does not exist")),
            None => {}
        }
        Ok(())
    }

    fn read_icc(&mut self, payload: &'a [u8]) {
        if let Some([number, count, data @ ..]) = payload.strip_prefix(ICC) {
            // The count is a byte: more chunks than that are no profile.
            if self.icc.len() < 256 {
                self.icc.push((*number, *count, data));
            }
        }
    }

    fn read_frame(&mut self, marker: u8, payload: &[u8]) -> Result<(), Reject> {
        if self.frame.is_some() {
            return Err(malformed("the image has two frame headers"));
        }
        self.frame = Some(Frame::parse(marker, payload)?);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let n_components = self
            .frame
            .as_ref()
            .map_or(0, |frame| frame.components().len());
        n_components > 0 && self.begun[..n_components].iter().all(|begun| *begun)
    }

    /// The scan header with all that must stand before it; for the first scan
    /// that is everything from the start of the file.
    fn write_scan_header(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Reject> {
        let frame = self
            .frame
            .as_ref()
            .ok_or(malformed("a scan before the frame header"))?;
        let scan = Scan::parse(payload, frame)?;
        let first = out.is_empty();
        if first {
            out.extend_from_slice(&[0xFF, SOI]);
            write_jfif(self.is_jfif, out)?;
            write_adobe(self.adobe, out)?;
            write_icc(&self.icc, frame.channels(), out)?;
        }
        for (begun, component) in self.begun.iter_mut().zip(frame.components()) {
            *begun |= scan.begins(component);
            if first || scan.contains(component) {
                self.tables
                    .write_quantisation(component.quantisation, out)?;
            }
        }
        if first {
            frame.write(out)?;
        }
        if self.restart_interval != self.restart_written {
            write_segment(DRI, &self.restart_interval.to_be_bytes(), out)?;
            self.restart_written = self.restart_interval;
        }
        for (class, id) in scan.huffman_tables() {
            self.tables.write_huffman(class, id, out)?;
        }
        scan.write(out)
    }
}

/// Whether an APP0 segment is the header that makes three components YCbCr.
/// libjpeg (jdmarker.c, `examine_app0`) passes over shorter ones.
pub(in crate::stage) fn is_jfif(payload: &[u8]) -> bool {
    payload.len() >= JFIF_BYTES && payload.starts_with(JFIF)
}

pub(in crate::stage) fn restart_interval(payload: &[u8]) -> Result<u16, Reject> {
    let interval: [u8; 2] = payload
        .try_into()
        .map_err(|_| malformed("a restart interval of the wrong length"))?;
    Ok(u16::from_be_bytes(interval))
}

fn write_jfif(is_jfif: bool, out: &mut Vec<u8>) -> Result<(), Reject> {
    if is_jfif {
        write_segment(APP0, SQUARE_JFIF, out)?;
    }
    Ok(())
}

fn write_adobe(transform: Option<u8>, out: &mut Vec<u8>) -> Result<(), Reject> {
    let Some(transform) = transform else {
        return Ok(());
    };
    write_segment(
        APP14,
        &[ADOBE, &[0, 100, 0, 0, 0, 0, transform]].concat(),
        out,
    )
}

/// The replacement of the profile, if its chunks are complete and it parses.
fn write_icc(
    chunks: &[(u8, u8, &[u8])],
    picture: Channels,
    out: &mut Vec<u8>,
) -> Result<(), Reject> {
    let Some(profile) = assemble_icc(chunks) else {
        return Ok(());
    };
    let Some(clean) = icc::replacement(&profile, picture)? else {
        return Ok(());
    };
    // Ours fit into one chunk each.
    write_segment(APP2, &[ICC, &[1, 1], clean].concat(), out)
}

/// Chunks 1 to n, each exactly once, in any order (ICC.1, B.4).
fn assemble_icc(chunks: &[(u8, u8, &[u8])]) -> Option<Vec<u8>> {
    let mut chunks = chunks.to_vec();
    chunks.sort_by_key(|(number, ..)| *number);
    let count = u8::try_from(chunks.len()).ok()?;
    let complete = chunks
        .iter()
        .zip(1..=count)
        .all(|(&(number, of, _), at)| number == at && of == count);
    let profile: Vec<u8> = chunks
        .iter()
        .flat_map(|(.., data)| *data)
        .copied()
        .collect();
    complete.then_some(profile)
}

/// A marker, its length and its payload.
pub(in crate::stage) fn write_segment(
    marker: u8,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Reject> {
    let length = u16::try_from(payload.len() + 2)
        .map_err(|_| malformed("a segment is longer than its length field can say"))?;
    out.extend_from_slice(&[0xFF, marker]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
    Ok(())
}
