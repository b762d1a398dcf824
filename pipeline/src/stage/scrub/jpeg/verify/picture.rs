//! The frame, as far as following a scan needs it.

use super::super::super::Unclean;
use super::UNKNOWN_PART;

const TOO_LARGE: Unclean = "the JPEG does not fit into memory";
const OVERWRITTEN: Unclean = "a scan of the JPEG is overwritten by another";

/// A component of the frame.
pub(super) struct Component {
    id: u8,
    /// Blocks of a unit, across and down.
    pub(super) across: u32,
    pub(super) down: u32,
    /// Blocks that show a sample, across and down.
    pub(super) shown: (u32, u32),
    /// Blocks of all units, across.
    pub(super) columns: u32,
    n_blocks: u32,
    /// By block of a progressive picture: which coefficients are not zero.
    pub(super) set: Vec<u64>,
    /// By coefficient: the lowest bit coded so far.
    coded: [Option<u8>; 64],
}

/// What the frame header says (T.81, A.1 and A.2).
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_progressive: bool,
    /// Units across and down.
    pub(super) units: (u32, u32),
    pub(super) components: Vec<Component>,
}

impl Picture {
    /// From a frame header.
    pub(super) fn new(marker: u8, payload: &[u8]) -> Result<Self, Unclean> {
        let &[8, hh, hl, wh, wl, n_components @ (1 | 3 | 4), ref rest @ ..] = payload else {
            return Err(UNKNOWN_PART);
        };
        let (triples, excess) = rest.as_chunks::<3>();
        if triples.len() != usize::from(n_components) || !excess.is_empty() {
            return Err(UNKNOWN_PART);
        }
        let width = u32::from(u16::from_be_bytes([wh, wl]));
        let height = u32::from(u16::from_be_bytes([hh, hl]));
        let factors: Vec<(u32, u32)> = triples
            .iter()
            .map(|[_, factors, _]| match n_components {
                1 => (1, 1),
                _ => (u32::from(factors >> 4), u32::from(factors & 15)),
            })
            .collect();
        let legal = factors
            .iter()
            .all(|(across, down)| (1..=4).contains(across) && (1..=4).contains(down));
        let most = factors.iter().fold((1, 1), |most, factors| {
            (most.0.max(factors.0), most.1.max(factors.1))
        });
        if !legal || width == 0 || height == 0 {
            return Err(UNKNOWN_PART);
        }
        let units = (width.div_ceil(8 * most.0), height.div_ceil(8 * most.1));
        let component = |(triple, &(across, down)): (&[u8; 3], &(u32, u32))| {
            let shown_across = (width * across).div_ceil(most.0).div_ceil(8);
            let shown_down = (height * down).div_ceil(most.1).div_ceil(8);
            Component {
                id: triple[0],
                across,
                down,
                shown: (shown_across, shown_down),
                columns: units.0 * across,
                n_blocks: units.0 * across * units.1 * down,
                set: Vec::new(),
                coded: [None; 64],
            }
        };
        Ok(Self {
            width,
            height,
            is_progressive: marker == 0xC2,
            units,
            components: triples.iter().zip(&factors).map(component).collect(),
        })
    }

    /// Place of the component with this id.
    pub(super) fn place(&self, id: u8) -> Result<usize, Unclean> {
        let mut components = self.components.iter();
        components
            .position(|component| component.id == id)
            .ok_or(UNKNOWN_PART)
    }
}

impl Component {
    /// Takes note of a scan. One that codes again what another has coded would
    /// make that one's data invisible.
    pub(super) fn note(&mut self, band: &Band) -> Result<(), Unclean> {
        let follows_itself = band.high == 0 || band.high == band.low + 1;
        let before = (band.high > 0).then_some(band.high);
        let has_dc = band.first == 0 || self.coded[0].is_some();
        let coded = self.coded.get_mut(band.first as usize..=band.last as usize);
        let coded = coded.ok_or(UNKNOWN_PART)?;
        if !follows_itself || !has_dc || coded.iter().any(|bit| *bit != before) {
            return Err(OVERWRITTEN);
        }
        coded.fill(Some(band.low));
        Ok(())
    }

    /// Makes room for what scans of a progressive picture must remember.
    pub(super) fn remember(&mut self) -> Result<(), Unclean> {
        let n_blocks = self.n_blocks as usize;
        self.set
            .try_reserve_exact(n_blocks.saturating_sub(self.set.len()))
            .map_err(|_| TOO_LARGE)?;
        self.set.resize(n_blocks, 0);
        Ok(())
    }
}

/// The coefficients of a scan, in zigzag order, and the bits of them.
#[derive(Clone, Copy)]
pub(super) struct Band {
    pub(super) first: u32,
    pub(super) last: u32,
    /// The lowest bit that the scan before coded; 0 for none.
    pub(super) high: u8,
    pub(super) low: u8,
}
