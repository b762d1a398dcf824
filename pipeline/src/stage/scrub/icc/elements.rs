//! The numeric element types of a profile, each cut to exactly its own length.

use crate::stage::cursor::Cursor;

/// Real curves have 1 to 4,096 points; a point for every 16-bit value is enough.
const CURVE_POINTS_MAX: u32 = 1 << 16;
/// More than the ICC's four process colours would make tables that no display
/// pipeline reads.
const CHANNELS_MAX: u8 = 4;

/// The element rebuilt from its numbers: reserved bytes zero, nothing after the
/// last number. `None` when it is damaged or of a type that is not numeric.
pub(super) fn canonical(element: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(element);
    let kind: [u8; 4] = cursor.array().ok()?;
    cursor.take(4).ok()?;
    let body = match &kind {
        b"XYZ " => cursor.take(12).ok()?.to_vec(),
        b"sf32" => cursor.take(9 * 4).ok()?.to_vec(),
        b"curv" => curve(&mut cursor)?,
        b"para" => parametric(&mut cursor)?,
        b"mft1" => lut8(&mut cursor)?,
        b"mft2" => lut16(&mut cursor)?,
        b"mAB " => return multi_stage(element),
        _ => return None,
    };
    Some([&kind, &[0; 4][..], &body].concat())
}

fn curve(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let count = cursor.u32_be().ok().filter(|n| *n <= CURVE_POINTS_MAX)?;
    let bytes = usize::try_from(count).ok()?.checked_mul(2)?;
    Some([&count.to_be_bytes(), cursor.take(bytes).ok()?].concat())
}

/// 10.18: function types 0 to 4 have 1, 3, 4, 5 and 7 parameters.
fn parametric(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let function = cursor.u16_be().ok()?;
    cursor.take(2).ok()?;
    let n_parameters = *[1, 3, 4, 5, 7].get(usize::from(function))?;
    let function = function.to_be_bytes();
    Some([&function, &[0, 0][..], cursor.take(n_parameters * 4).ok()?].concat())
}

struct LutShape {
    head: [u8; 4],
    inputs: usize,
    outputs: usize,
    grid_points: usize,
}

fn lut_shape(cursor: &mut Cursor<'_>) -> Option<LutShape> {
    let [inputs, outputs, grid, _] = cursor.array().ok()?;
    if ![inputs, outputs]
        .iter()
        .all(|n| (1..=CHANNELS_MAX).contains(n))
    {
        return None;
    }
    let grid_points = usize::from(grid)
        .checked_pow(u32::from(inputs))?
        .checked_mul(usize::from(outputs))?;
    Some(LutShape {
        head: [inputs, outputs, grid, 0],
        inputs: usize::from(inputs),
        outputs: usize::from(outputs),
        grid_points,
    })
}

fn lut8(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let shape = lut_shape(cursor)?;
    let matrix = cursor.take(36).ok()?;
    let curves = 256 * (shape.inputs + shape.outputs);
    let tables = cursor.take(curves.checked_add(shape.grid_points)?).ok()?;
    Some([&shape.head, matrix, tables].concat())
}

fn lut16(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let shape = lut_shape(cursor)?;
    let matrix = cursor.take(36).ok()?;
    let (n_in, n_out) = (cursor.u16_be().ok()?, cursor.u16_be().ok()?);
    let curves = usize::from(n_in) * shape.inputs + usize::from(n_out) * shape.outputs;
    let tables = cursor
        .take(curves.checked_add(shape.grid_points)?.checked_mul(2)?)
        .ok()?;
    Some(
        [
            &shape.head,
            matrix,
            &n_in.to_be_bytes(),
            &n_out.to_be_bytes(),
            tables,
        ]
        .concat(),
    )
}

/// lutAToBType (10.12): up to five parts found by offset, laid out again back
/// to back so that no gap is left between them.
fn multi_stage(element: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(element.get(8..)?);
    let [inputs, outputs, _, _] = cursor.array().ok()?;
    if ![inputs, outputs]
        .iter()
        .all(|n| (1..=CHANNELS_MAX).contains(n))
    {
        return None;
    }
    let mut offsets = [0; 5];
    for offset in &mut offsets {
        *offset = usize::try_from(cursor.u32_be().ok()?).ok()?;
    }
    let [b, matrix, m, clut, a] = offsets;
    let part = |offset: usize| Some(Cursor::new(element.get(offset..)?));
    let parts = [
        (b, curve_set(part(b)?, outputs)?),
        (
            matrix,
            part(matrix)?
                .take(if matrix == 0 { 0 } else { 48 })
                .ok()?
                .to_vec(),
        ),
        (
            m,
            if m == 0 {
                Vec::new()
            } else {
                curve_set(part(m)?, outputs)?
            },
        ),
        (
            clut,
            if clut == 0 {
                Vec::new()
            } else {
                grid(part(clut)?, inputs, outputs)?
            },
        ),
        (
            a,
            if a == 0 {
                Vec::new()
            } else {
                curve_set(part(a)?, inputs)?
            },
        ),
    ];

    let mut body = [b"mAB \0\0\0\0", &[inputs, outputs, 0, 0][..], &[0; 20]].concat();
    for (part_idx, (offset, part)) in parts.iter().enumerate() {
        if *offset != 0 {
            let at = u32::try_from(body.len()).ok()?.to_be_bytes();
            body[12 + 4 * part_idx..][..4].copy_from_slice(&at);
            body.extend_from_slice(part);
            body.resize(body.len().next_multiple_of(4), 0);
        }
    }
    Some(body)
}

/// One curve a channel, each padded to four bytes.
fn curve_set(mut cursor: Cursor<'_>, channels: u8) -> Option<Vec<u8>> {
    let mut set = Vec::new();
    for channel in 0..channels {
        let kind: [u8; 4] = cursor.array().ok()?;
        cursor.take(4).ok()?;
        let body = match &kind {
            b"curv" => curve(&mut cursor)?,
            b"para" => parametric(&mut cursor)?,
            _ => return None,
        };
        set.extend_from_slice(&kind);
        set.extend_from_slice(&[0; 4]);
        set.extend_from_slice(&body);
        let padding = body.len().next_multiple_of(4) - body.len();
        set.resize(set.len() + padding, 0);
        if channel + 1 < channels {
            cursor.take(padding).ok()?;
        }
    }
    Some(set)
}

/// The multidimensional table: 16 grid sizes, the sample width, the samples.
fn grid(mut cursor: Cursor<'_>, inputs: u8, outputs: u8) -> Option<Vec<u8>> {
    let mut sizes: [u8; 16] = cursor.array().ok()?;
    let mut samples = usize::from(outputs);
    let used = usize::from(inputs);
    for size in &sizes[..used] {
        samples = samples.checked_mul(usize::from(*size))?;
    }
    sizes[used..].fill(0);
    let [width, ..] = cursor.array::<4>().ok()?;
    if !matches!(width, 1 | 2) {
        return None;
    }
    let samples = cursor.take(samples.checked_mul(usize::from(width))?).ok()?;
    Some([&sizes, &[width, 0, 0, 0][..], samples].concat())
}
