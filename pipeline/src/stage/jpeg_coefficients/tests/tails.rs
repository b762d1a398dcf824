//! What hides behind the last block of a scan or of a restart interval.

use super::*;

const MARKER: &[u8] = b"51.5N 0.1W hidden";

/// The file with `planted` before the `nth` marker that ends coded data.
fn planted(file: &[u8], planted: &[u8], nth: usize) -> Option<Vec<u8>> {
    let scan = file.windows(2).position(|two| two == [0xFF, SOS])?;
    let mut ends = file
        .windows(2)
        .enumerate()
        .skip(scan + 2)
        .filter(|(_, two)| two[0] == 0xFF && !matches!(two[1], 0 | 0xFF | SOS));
    let (at, _) = ends.nth(nth)?;
    Some([&file[..at], planted, &file[at..]].concat())
}

#[test]
fn hidden_bytes_are_cut_off() {
    let mut files = every_jpeg(40, 24);
    files.push(("refined".to_owned(), jpeg_refined().0));
    for (name, file) in files {
        assert_eq!(without_tails(&file).as_ref(), Ok(&file), "{name}: clean");
        let mut n_places = 0;
        for hidden in [MARKER, &[0], &[0xFF, 0], &[0; 200]] {
            for nth in 0.. {
                let Some(dirty) = planted(&file, hidden, nth) else {
                    break;
                };
                assert_eq!(without_tails(&dirty).as_ref(), Ok(&file), "{name} {nth}");
                n_places += 1;
            }
        }
        assert!(n_places >= 4, "{name}");
    }
}

#[test]
fn intervals_behind_the_last_are_cut_off() {
    let file = jpeg_of_kind(40, 24, JpegKind::Restarts);
    let (picture, end) = file.split_at(file.len() - 2);
    let n_restarts = picture
        .windows(2)
        .filter(|two| two[0] == 0xFF && two[1] & 0xF8 == 0xD0)
        .count();
    let next = 0xD0 | u8::try_from(n_restarts).expect("few") & 7;
    let dirty = [picture, &[0xFF, next], MARKER, end].concat();
    assert_eq!(without_tails(&dirty), Ok(file));
}

#[test]
fn the_last_byte_is_filled_with_ones() {
    let files = every_jpeg(40, 24);
    let filled = files.iter().filter(|(_, file)| {
        let mut dirty = file.clone();
        dirty[file.len() - 3] &= !1;
        without_tails(&dirty).as_ref() == Ok(file)
    });
    // One in eight needs no filling.
    assert!(filled.count() > files.len() / 2);
}
