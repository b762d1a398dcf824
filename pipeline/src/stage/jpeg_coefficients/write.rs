//! Writes a turned file: one sequential scan of all components.

use super::encode::{Codes, table_of};
use super::geometry::Geometry;
use super::optimal::BestCode;
use super::plane::Kept;
use super::source::Source;
use super::{BROKEN, TOO_LARGE, broken};
use crate::error::Reject;
use crate::stage::scrub::jpeg::frame::Component;
use crate::stage::scrub::jpeg::segments::{EOI, SOI, SOS};
use crate::stage::scrub::jpeg::tables::{DHT, DQT};
use crate::stage::scrub::jpeg::{APP0, write_segment};

const SOF0_BASELINE: u8 = 0xC0;
const SOF1_EXTENDED: u8 = 0xC1;

/// Where units and densities stand in a JFIF header, and the densities' end.
const JFIF_ACROSS_AT: usize = 8;
const JFIF_DOWN_AT: usize = 10;
const JFIF_DENSITIES_END: usize = 12;

/// The whole file; the source had `length` bytes.
pub(super) fn turned(source: &Source<'_, Kept>, length: usize) -> Result<Vec<u8>, Reject> {
    let planes = source.planes()?;
    let (units_across, units_down) = {
        let geometry = source.geometry()?;
        source
            .purpose
            .sides((geometry.units_across, geometry.units_down))
    };
    let geometry = Geometry {
        units_across,
        units_down,
        grids: planes.iter().map(|plane| plane.grid).collect(),
        ..source.geometry()?.clone()
    };
    let codes = Codes::new(&geometry, planes)?;
    let mut out = Vec::new();
    out.try_reserve(length).map_err(|_| TOO_LARGE)?;
    out.extend_from_slice(&[0xFF, SOI]);
    write_shown_by(source, &mut out)?;
    write_frame(source, &mut out)?;
    let n_components = planes.len();
    for table in 0..n_components.min(2) {
        write_code(table, &codes.dc[table], &mut out)?;
        write_code(0x10 | table, &codes.ac[table], &mut out)?;
    }
    write_scan_header(source.frame()?.components(), &mut out)?;
    codes.write(&geometry, planes, &mut out)?;
    out.extend_from_slice(&[0xFF, EOI]);
    Ok(out)
}

/// Density, colour profile and colour transform; the density turns with the
/// picture.
fn write_shown_by(source: &Source<'_, Kept>, out: &mut Vec<u8>) -> Result<(), Reject> {
    for (marker, payload) in &source.shown_by {
        let mut payload = payload.to_vec();
        if *marker == APP0 && source.purpose.transposed {
            let (_, from_across) = payload.split_at_mut(JFIF_ACROSS_AT);
            from_across[..JFIF_DENSITIES_END - JFIF_ACROSS_AT]
                .rotate_left(JFIF_DOWN_AT - JFIF_ACROSS_AT);
        }
        write_segment(*marker, &payload, out)?;
    }
    Ok(())
}

/// The quantisation tables and the frame header.
fn write_frame(source: &Source<'_, Kept>, out: &mut Vec<u8>) -> Result<(), Reject> {
    let frame = source.frame()?;
    let components = frame.components();
    let mut marker = SOF0_BASELINE;
    let mut written = [false; 4];
    for component in components {
        let id = component.quantisation & 3;
        let table = turned_steps(source, id)?;
        // Baseline knows steps of one byte only.
        if table[0] >> 4 != 0 {
            marker = SOF1_EXTENDED;
        }
        if !std::mem::replace(&mut written[id], true) {
            write_segment(DQT, &table, out)?;
        }
    }
    let (width, height) = source.purpose.sides(frame.size());
    let mut payload = vec![8];
    payload.extend_from_slice(&height.to_be_bytes());
    payload.extend_from_slice(&width.to_be_bytes());
    payload.push(u8::try_from(components.len()).map_err(broken)?);
    for component in components {
        let (across, down) = match components {
            // As the blocks are counted: see `Geometry`.
            [_] => (1, 1),
            _ => source.purpose.sides(component.factors()),
        };
        let quantisation = u8::try_from(component.quantisation).map_err(broken)?;
        payload.extend_from_slice(&[component.id, across << 4 | down, quantisation]);
    }
    write_segment(marker, &payload, out)
}

/// A quantisation table whose steps moved as the coefficients did: one byte of
/// precision and id, then 64 steps of one or two bytes in zigzag order.
fn turned_steps(source: &Source<'_, Kept>, id: usize) -> Result<Vec<u8>, Reject> {
    let table = source.quantisation(id)?;
    let (head, steps) = table.split_first().ok_or(BROKEN)?;
    let width = if head >> 4 == 0 { 1 } else { 2 };
    let mut turned = table.to_vec();
    for (step, (to, _)) in steps.chunks(width).zip(source.purpose.within_blocks()) {
        let at = 1 + usize::from(to) * width;
        let place = turned.get_mut(at..at + step.len()).ok_or(BROKEN)?;
        place.copy_from_slice(step);
    }
    Ok(turned)
}

fn write_code(id: usize, code: &BestCode, out: &mut Vec<u8>) -> Result<(), Reject> {
    let id = u8::try_from(id).map_err(broken)?;
    write_segment(DHT, &[&[id], code.table()].concat(), out)
}

fn write_scan_header(components: &[Component], out: &mut Vec<u8>) -> Result<(), Reject> {
    let mut payload = vec![u8::try_from(components.len()).map_err(broken)?];
    for (component_idx, component) in components.iter().enumerate() {
        let table = u8::try_from(table_of(component_idx)).map_err(broken)?;
        payload.extend_from_slice(&[component.id, table << 4 | table]);
    }
    payload.extend_from_slice(&[0, 63, 0]);
    write_segment(SOS, &payload, out)
}
