//! What a PNG says of its colours, in four kinds of chunk (PNG 3rd edition,
//! 11.3.2), and the one short way to say it that is written instead.

use super::chunk::{self, Chunk};
use super::profile;
use crate::error::Reject;
use crate::stage::scrub::icc::{self, Channels, Meaning, NOT_CONVERTED, Space};

/// ITU-T H.273, table 3.
const TRANSFER_OF_SRGB: u8 = 13;

/// The first intact chunk of each kind. Profiles stay packed until asked for:
/// a file with a thousand of them costs no more than one with one.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::stage) struct Colours<'a> {
    code_points: Option<[u8; 4]>,
    profile: Option<&'a [u8]>,
    srgb: bool,
    gamma: Option<u32>,
    chromaticities: Option<[u32; 8]>,
}

/// What the chunks come to.
#[derive(Debug)]
pub(in crate::stage) enum Statement {
    /// Nothing: the picture is sRGB.
    None,
    /// Colours that a profile or its equivalent describes.
    Profile(Meaning),
    /// Colours named by code points that have no equivalent among our profiles;
    /// what they mean is known.
    CodePoints([u8; 4], Meaning),
}

impl<'a> Colours<'a> {
    /// Takes a chunk from before the palette and the picture if it is one of
    /// colours. Decoders ignore the damaged ones.
    pub(in crate::stage) fn read(&mut self, chunk: &Chunk<'a>) {
        let data = chunk.data;
        let is_new = match (&chunk.name, data) {
            (b"cICP", [_, _, 0, 1]) => self.code_points.is_none(),
            (b"iCCP", _) => self.profile.is_none(),
            (b"sRGB", [0..=3]) => !self.srgb,
            (b"gAMA", [_, _, _, _]) => self.gamma.is_none(),
            (b"cHRM", _) if data.len() == 32 => self.chromaticities.is_none(),
            _ => false,
        };
        if !is_new || !chunk.is_intact() {
            return;
        }
        match &chunk.name {
            b"cICP" => self.code_points = data.first_chunk().copied(),
            b"iCCP" => self.profile = Some(data),
            b"sRGB" => self.srgb = true,
            b"gAMA" => self.gamma = data.first_chunk().map(|four| u32::from_be_bytes(*four)),
            _ => {
                let mut numbers = [0; 8];
                let (fours, _) = data.as_chunks::<4>();
                for (number, four) in numbers.iter_mut().zip(fours) {
                    *number = u32::from_be_bytes(*four);
                }
                self.chromaticities = Some(numbers);
            }
        }
    }

    /// What holds: code points before a profile, before sRGB, before gamma and
    /// chromaticities (11.3.2). What means nothing is passed over.
    pub(in crate::stage) fn statement(&self, picture: Channels) -> Statement {
        if let Some(points @ [primaries, transfer, ..]) = self.code_points {
            match icc::from_code_points(primaries, transfer, picture) {
                Some(meaning @ Meaning::Known(_)) if transfer == TRANSFER_OF_SRGB => {
                    return Statement::Profile(meaning);
                }
                Some(meaning) => return Statement::CodePoints(points, meaning),
                None => {}
            }
        }
        let embedded = self
            .profile
            .and_then(profile::unpack)
            // JPEG's decoders take an RGB profile for grey; libpng does not.
            .filter(|profile| {
                picture != Channels::Grey || profile.get(16..20) == Some(&b"GRAY"[..])
            })
            .and_then(|profile| icc::meaning(&profile, picture));
        let meaning = match embedded {
            Some(meaning) => Some(meaning),
            None if self.srgb => Some(Meaning::Known(Space::Srgb)),
            None => icc::from_gamma(self.gamma, self.chromaticities, picture),
        };
        meaning.map_or(Statement::None, Statement::Profile)
    }

    /// Writes the one chunk that says the same.
    pub(super) fn write(&self, picture: Channels, out: &mut Vec<u8>) -> Result<(), Reject> {
        match self.statement(picture) {
            Statement::None => Ok(()),
            Statement::CodePoints(points, _) => chunk::write(*b"cICP", &points, out),
            Statement::Profile(Meaning::Odd(_)) => Err(NOT_CONVERTED),
            Statement::Profile(Meaning::Known(space)) => {
                match space.profile().and_then(profile::pack) {
                    Some(data) => chunk::write(*b"iCCP", &data, out),
                    // The intent is of no consequence between displays.
                    None => chunk::write(*b"sRGB", &[0], out),
                }
            }
        }
    }
}
