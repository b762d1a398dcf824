//! Frame and scan headers as fields, so that they are written again and not copied.

use super::segments::SOS;
use super::tables::Class;
use super::write_segment;
use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::icc::Channels;
use crate::stage::scrub::malformed;

const SOF2_PROGRESSIVE: u8 = 0xC2;

/// One colour component of the frame (T.81, B.2.2).
#[derive(Debug, Clone, Copy)]
pub(in crate::stage) struct Component {
    pub(in crate::stage) id: u8,
    sampling: u8,
    pub(in crate::stage) quantisation: usize,
}

impl Component {
    /// Samples of a unit, across and down, each 1 to 4.
    pub(in crate::stage) fn factors(&self) -> (u8, u8) {
        (self.sampling >> 4, self.sampling & 15)
    }
}

/// The frame header.
#[derive(Debug)]
pub(in crate::stage) struct Frame {
    marker: u8,
    height: u16,
    width: u16,
    components: Vec<Component>,
}

impl Frame {
    pub(in crate::stage) fn parse(marker: u8, payload: &[u8]) -> Result<Self, Reject> {
        const BROKEN: Reject = malformed("the frame header does not add up");
        let mut cursor = Cursor::new(payload);
        let (precision, height, width) = (cursor.u8()?, cursor.u16_be()?, cursor.u16_be()?);
        let n_components = cursor.u8()?;
        // A height of 0 announces a DNL segment, which no browser supports.
        if precision != 8 || height == 0 || width == 0 || !matches!(n_components, 1 | 3 | 4) {
            return Err(malformed("a kind of JPEG frame we do not decode"));
        }
        let mut components: Vec<Component> = Vec::new();
        for _ in 0..n_components {
            let [id, sampling, quantisation] = cursor.array().map_err(|_| BROKEN)?;
            let (across, down) = (sampling >> 4, sampling & 15);
            let legal = (1..=4).contains(&across) && (1..=4).contains(&down) && quantisation <= 3;
            if !legal || components.iter().any(|known| known.id == id) {
                return Err(BROKEN);
            }
            components.push(Component {
                id,
                sampling,
                quantisation: usize::from(quantisation),
            });
        }
        if !cursor.is_empty() {
            return Err(BROKEN);
        }
        Ok(Self {
            marker,
            height,
            width,
            components,
        })
    }

    /// Width and height in pixels.
    pub(in crate::stage) fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    pub(in crate::stage) fn components(&self) -> &[Component] {
        &self.components
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Reject> {
        let mut payload = vec![8];
        payload.extend_from_slice(&self.height.to_be_bytes());
        payload.extend_from_slice(&self.width.to_be_bytes());
        payload.push(u8::try_from(self.components.len()).unwrap_or(0));
        for component in &self.components {
            let quantisation = u8::try_from(component.quantisation).unwrap_or(0);
            payload.extend_from_slice(&[component.id, component.sampling, quantisation]);
        }
        write_segment(self.marker, &payload, out)
    }

    /// How many luma samples share one chroma sample, across and down; 1 x 1
    /// where components do not divide like that.
    pub(super) fn luma_sampling(&self) -> (u8, u8) {
        match self.components.as_slice() {
            [luma, blue, red] if (blue.sampling, red.sampling) == (0x11, 0x11) => {
                (luma.sampling >> 4, luma.sampling & 15)
            }
            _ => (1, 1),
        }
    }

    /// What the components stand for, once any colour transform is undone.
    pub(super) fn channels(&self) -> Channels {
        match self.components.len() {
            1 => Channels::Grey,
            4 => Channels::Inks,
            _ => Channels::Rgb,
        }
    }

    pub(in crate::stage) fn progressive(&self) -> bool {
        self.marker == SOF2_PROGRESSIVE
    }
}

/// One component's part in a scan: its id and its two Huffman tables.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage) struct Part {
    pub(in crate::stage) id: u8,
    pub(in crate::stage) dc: u8,
    pub(in crate::stage) ac: u8,
}

/// A scan header (B.2.3), with the fields that its kind of scan does not use
/// set to what the standard asks for.
#[derive(Debug)]
pub(in crate::stage) struct Scan {
    pub(in crate::stage) parts: Vec<Part>,
    /// First and last coefficient, in zigzag order.
    pub(in crate::stage) spectrum: [u8; 2],
    /// Bit position of the scan before this one (0 for none), and of this one.
    pub(in crate::stage) approximation: u8,
    pub(in crate::stage) uses_dc: bool,
    pub(in crate::stage) uses_ac: bool,
}

impl Scan {
    pub(in crate::stage) fn parse(payload: &[u8], frame: &Frame) -> Result<Self, Reject> {
        const BROKEN: Reject = malformed("a scan header does not add up");
        let mut cursor = Cursor::new(payload);
        let n_parts = cursor.u8().map_err(|_| BROKEN)?;
        let mut parts: Vec<Part> = Vec::new();
        for _ in 0..n_parts {
            let [id, tables] = cursor.array().map_err(|_| BROKEN)?;
            let part = Part {
                id,
                dc: tables >> 4,
                ac: tables & 15,
            };
            let known = frame.components.iter().any(|component| component.id == id);
            if !known || parts.iter().any(|other| other.id == id) {
                return Err(BROKEN);
            }
            parts.push(part);
        }
        let [start, end, approximation] = cursor.array().map_err(|_| BROKEN)?;
        if parts.is_empty() || !cursor.is_empty() {
            return Err(BROKEN);
        }
        let scan = if frame.progressive() {
            Self::progressive(parts, [start, end], approximation).ok_or(BROKEN)?
        } else {
            // Sequential scans always code everything, and decoders take the
            // fields as read.
            let spectrum = [0, 63];
            Self {
                parts,
                spectrum,
                approximation: 0,
                uses_dc: true,
                uses_ac: true,
            }
        };
        scan.with_unused_tables_cleared().ok_or(BROKEN)
    }

    /// G.1.1.1: a scan holds DC alone, or AC of one component.
    fn progressive(parts: Vec<Part>, spectrum: [u8; 2], approximation: u8) -> Option<Self> {
        let (high, low) = (approximation >> 4, approximation & 15);
        if high > 13 || low > 13 {
            return None;
        }
        let dc = match spectrum {
            [0, 0] => true,
            [start, end] if 0 < start && start <= end && end <= 63 && parts.len() == 1 => false,
            _ => return None,
        };
        // Refining DC sends bare bits, without a code.
        let uses_dc = dc && high == 0;
        Some(Self {
            parts,
            spectrum,
            approximation,
            uses_dc,
            uses_ac: !dc,
        })
    }

    fn with_unused_tables_cleared(mut self) -> Option<Self> {
        for part in &mut self.parts {
            if !self.uses_dc {
                part.dc = 0;
            }
            if !self.uses_ac {
                part.ac = 0;
            }
            if part.dc > 3 || part.ac > 3 {
                return None;
            }
        }
        Some(self)
    }

    /// Whether it begins a component's coding: its DC comes before its AC.
    pub(super) fn begins(&self, component: &Component) -> bool {
        self.spectrum[0] == 0 && self.contains(component)
    }

    pub(super) fn contains(&self, component: &Component) -> bool {
        self.parts.iter().any(|part| part.id == component.id)
    }

    /// The Huffman tables that decoding this scan needs.
    pub(super) fn huffman_tables(&self) -> Vec<(Class, usize)> {
        let dc = self
            .parts
            .iter()
            .filter(|_| self.uses_dc)
            .map(|part| (Class::Dc, part.dc));
        let ac = self
            .parts
            .iter()
            .filter(|_| self.uses_ac)
            .map(|part| (Class::Ac, part.ac));
        dc.chain(ac)
            .map(|(class, id)| (class, usize::from(id)))
            .collect()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Reject> {
        let mut payload = vec![u8::try_from(self.parts.len()).unwrap_or(0)];
        for part in &self.parts {
            payload.extend_from_slice(&[part.id, part.dc << 4 | part.ac]);
        }
        payload.extend_from_slice(&self.spectrum);
        payload.push(self.approximation);
        write_segment(SOS, &payload, out)
    }
}
