//! PNG and APNG (PNG 3rd edition): chunks, the compressed pictures' ends, and
//! what follows IEND.

use std::io::Read;

use flate2::read::ZlibDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use super::listing::{Listing, Reader};
use super::{exif, icc, trailer};

/// What is inflated of a profile; none that is in use is as large.
const PROFILE_BYTES_MAX: u64 = 8 << 20;

/// Lists what the file carries.
pub(super) fn list(bytes: &[u8], listing: &mut Listing) {
    let mut walk = Walk {
        reader: Reader::new(bytes),
        colour: None,
        stream: Stream::default(),
    };
    match walk.list(listing) {
        Some(()) => trailer::list(bytes, walk.reader.at, listing),
        None => {
            let at = walk.reader.at.min(bytes.len());
            listing.add("a part that cannot be read", at, bytes.len() - at);
        }
    }
}

struct Walk<'a> {
    reader: Reader<'a>,
    colour: Option<u8>,
    stream: Stream,
}

impl Walk<'_> {
    fn list(&mut self, listing: &mut Listing) -> Option<()> {
        self.reader.take(8)?;
        loop {
            let chunk_at = self.reader.at;
            let mut reader = self.reader;
            let length = usize::try_from(u32::from_be_bytes(reader.array()?)).ok()?;
            let name: [u8; 4] = reader.array()?;
            let data = reader.take(length)?;
            reader.take(4)?;
            self.reader = reader;
            self.chunk(name, data, chunk_at, listing);
            if name == *b"IEND" {
                return Some(());
            }
        }
    }

    fn chunk(&mut self, name: [u8; 4], data: &[u8], offset: usize, listing: &mut Listing) {
        let data_at = offset + 8;
        let what = match &name {
            b"IHDR" => {
                self.colour = data.get(9).copied();
                return list_tail(data, 13, data_at, listing);
            }
            b"IDAT" => return self.stream.follow(data, data_at, listing),
            b"fdAT" => {
                let picture = data.get(4..).unwrap_or(&[]);
                return self.stream.follow(picture, data_at + 4, listing);
            }
            b"fcTL" => {
                self.stream = Stream::default();
                return list_tail(data, 26, data_at, listing);
            }
            b"acTL" => return list_tail(data, 8, data_at, listing),
            b"gAMA" | b"cICP" => return list_tail(data, 4, data_at, listing),
            b"cHRM" => return list_tail(data, 32, data_at, listing),
            b"sRGB" => return list_tail(data, 1, data_at, listing),
            b"pHYs" => return list_tail(data, 9, data_at, listing),
            b"IEND" => return list_tail(data, 0, data_at, listing),
            b"tRNS" => return,
            b"PLTE" if self.colour == Some(3) => return,
            b"PLTE" => "palette of an image that needs none",
            b"eXIf" => return exif::list(data, data_at, listing),
            b"iCCP" => return list_profile(data, data_at, listing),
            b"iTXt" if data.starts_with(b"XML:com.adobe.xmp\0") => "XMP",
            b"tEXt" | b"zTXt" if data.starts_with(b"Raw profile type") => {
                "metadata of another format in a text chunk"
            }
            b"tEXt" | b"iTXt" => "text",
            b"zTXt" => "compressed text",
            b"tIME" => "time of the last change",
            b"caBX" => "content credentials (C2PA)",
            b"sPLT" => "suggested palette",
            b"hIST" | b"bKGD" | b"sBIT" | b"sTER" | b"oFFs" | b"pCAL" | b"sCAL" => {
                "hint that no viewer needs"
            }
            _ => "private or unknown chunk",
        };
        listing.add(what, offset, data.len() + 12);
    }
}

/// Bytes behind the fixed length of a chunk.
fn list_tail(data: &[u8], expected: usize, data_at: usize, listing: &mut Listing) {
    if data.len() > expected {
        let what = "bytes behind the values of a chunk";
        listing.add(what, data_at + expected, data.len() - expected);
    }
}

/// A profile has a name of its own before it.
fn list_profile(data: &[u8], data_at: usize, listing: &mut Listing) {
    let name_bytes = data
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(data.len());
    if &data[..name_bytes] != b"ICC" {
        listing.add("name of the ICC profile", data_at, name_bytes);
    }
    let stream = data.get(name_bytes + 2..).unwrap_or(&[]);
    let mut profile = Vec::new();
    let inflated = ZlibDecoder::new(stream)
        .take(PROFILE_BYTES_MAX)
        .read_to_end(&mut profile);
    match inflated {
        Ok(_) => icc::list(&profile, data_at, listing),
        Err(_) => listing.add("ICC profile that cannot be read", data_at, data.len()),
    }
}

/// The zlib stream of one picture, which may lie in many chunks. Only its end is
/// looked for; what is inflated is thrown away.
struct Stream {
    inflate: Decompress,
    ended: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            inflate: Decompress::new(true),
            ended: false,
        }
    }
}

impl Stream {
    fn follow(&mut self, data: &[u8], offset: usize, listing: &mut Listing) {
        let mut scratch = [0; 1 << 14];
        let mut at = 0;
        while !self.ended {
            let before = (self.inflate.total_in(), self.inflate.total_out());
            let rest = data.get(at..).unwrap_or(&[]);
            let status = self
                .inflate
                .decompress(rest, &mut scratch, FlushDecompress::None);
            let consumed = self.inflate.total_in() - before.0;
            at += usize::try_from(consumed).unwrap_or(rest.len());
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if before != (self.inflate.total_in(), self.inflate.total_out()) => {}
                // It goes on in the next chunk, or is damaged, which decoding tells.
                Ok(_) | Err(_) => return,
            }
        }
        if at < data.len() {
            let what = "bytes behind the compressed picture";
            listing.add(what, offset + at, data.len() - at);
        }
    }
}
