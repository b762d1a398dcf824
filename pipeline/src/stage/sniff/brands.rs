//! The brands of an ISO base media file: what its first box says the file is
//! (ISO/IEC 14496-12, 4.3).

/// More than any writer names.
const BRANDS_MAX: usize = 32;

/// The brands a file claims, the major one first; nothing for other files.
pub(super) fn brands(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    let claimed = match bytes.split_first_chunk::<8>() {
        Some(([a, b, c, d, b'f', b't', b'y', b'p'], rest)) => {
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(0);
            rest.get(..length.saturating_sub(8)).unwrap_or(rest)
        }
        _ => &[],
    };
    let (brands, _) = claimed.as_chunks::<4>();
    let with_version = brands.iter().take(BRANDS_MAX).enumerate();
    with_version
        .filter(|(position, _)| *position != 1)
        .map(|(_, brand)| *brand)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<[u8; 4]> {
        brands(bytes).collect()
    }

    #[test]
    fn the_major_brand_comes_first_and_the_version_is_none() {
        let file = b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf\0\0\0\x10metaheic....";
        assert_eq!(all(file), [*b"avif", *b"mif1", *b"miaf"]);
        assert_eq!(all(&file[..18]), [*b"avif"]);
        assert_eq!(all(b"\0\0\0\0ftypavif"), [[0; 4]; 0]);
        assert_eq!(all(b"GIF89a"), [[0; 4]; 0]);
    }
}
