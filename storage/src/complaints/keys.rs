//! Under which keys complaints are found.

use super::Receipt;
use super::due::DuePlace;
use crate::{ImageId, KeyRange, Space};

fn reports(parts: &[&[u8]]) -> Vec<u8> {
    Space::Reports.key(parts)
}

fn notices(parts: &[&[u8]]) -> Vec<u8> {
    Space::Notices.key(parts)
}

pub(super) fn report(receipt: &Receipt) -> Vec<u8> {
    reports(&[b"r", receipt.as_bytes()])
}

pub(super) fn case(image: &ImageId, round: u32) -> Vec<u8> {
    reports(&[b"c", image.as_bytes(), &round.to_be_bytes()])
}

pub(super) fn cases(image: &ImageId) -> KeyRange {
    KeyRange::prefix(&reports(&[b"c", image.as_bytes()]))
}

pub(super) fn of_case(image: &ImageId, round: u32, receipt: &Receipt) -> Vec<u8> {
    reports(&[
        b"i",
        image.as_bytes(),
        &round.to_be_bytes(),
        receipt.as_bytes(),
    ])
}

pub(super) fn reports_of_case(image: &ImageId, round: u32) -> KeyRange {
    KeyRange::prefix(&reports(&[b"i", image.as_bytes(), &round.to_be_bytes()]))
}

pub(super) fn due(at_ms: u64, image: &ImageId) -> Vec<u8> {
    reports(&[b"d", &at_ms.to_be_bytes(), image.as_bytes()])
}

pub(super) fn all_due() -> KeyRange {
    KeyRange::prefix(&reports(&[b"d"]))
}

/// Cases that were due at `now_ms` or before.
pub(super) fn overdue(now_ms: u64) -> KeyRange {
    let behind = reports(&[b"d", &now_ms.saturating_add(1).to_be_bytes()]);
    all_due().before(&behind)
}

pub(super) fn track(category: &str) -> Vec<u8> {
    reports(&[b"k", category.as_bytes()])
}

pub(super) fn expiry(at_ms: u64, image: &ImageId, round: u32) -> Vec<u8> {
    reports(&[
        b"x",
        &at_ms.to_be_bytes(),
        image.as_bytes(),
        &round.to_be_bytes(),
    ])
}

pub(super) fn expired(now_ms: u64) -> KeyRange {
    let all = KeyRange::prefix(&reports(&[b"x"]));
    all.before(&reports(&[b"x", &now_ms.saturating_add(1).to_be_bytes()]))
}

/// Image and round of an [`expiry`] key.
pub(super) fn expired_case(key: &[u8]) -> Option<(ImageId, u32)> {
    let (image, round) = key.get(11..)?.split_at_checked(12)?;
    let round = u32::from_be_bytes(round.try_into().ok()?);
    Some((ImageId::from_bytes(image)?, round))
}

/// When and which image, of a [`due`] key.
pub(super) fn due_place(key: &[u8]) -> Option<DuePlace<ImageId>> {
    let (at_ms, image) = key.get(3..)?.split_first_chunk()?;
    Some(DuePlace {
        at_ms: u64::from_be_bytes(*at_ms),
        what: ImageId::from_bytes(image)?,
    })
}

/// The receipt at the end of a key.
pub(super) fn last_receipt(key: &[u8]) -> Option<Receipt> {
    Receipt::from_bytes(key.get(key.len().checked_sub(16)?..)?)
}

pub(super) fn statements(image: &ImageId) -> Vec<u8> {
    notices(&[b"s", image.as_bytes()])
}

pub(super) fn appeal(image: &ImageId, number: u32) -> Vec<u8> {
    notices(&[b"a", image.as_bytes(), &number.to_be_bytes()])
}

pub(super) fn appeals(image: &ImageId) -> KeyRange {
    KeyRange::prefix(&notices(&[b"a", image.as_bytes()]))
}

pub(super) fn notice(receipt: &Receipt) -> Vec<u8> {
    notices(&[b"n", receipt.as_bytes()])
}

pub(super) fn counter(receipt: &Receipt) -> Vec<u8> {
    notices(&[b"c", receipt.as_bytes()])
}

pub(super) fn counter_of(image: &ImageId) -> Vec<u8> {
    notices(&[b"o", image.as_bytes()])
}

/// A counter-notice of an image, open or not.
pub(super) fn counter_by_image(image: &ImageId, receipt: &Receipt) -> Vec<u8> {
    notices(&[b"i", image.as_bytes(), receipt.as_bytes()])
}

pub(super) fn counters_by_image(image: &ImageId) -> KeyRange {
    KeyRange::prefix(&notices(&[b"i", image.as_bytes()]))
}

pub(super) fn action_filed(image: &ImageId) -> Vec<u8> {
    notices(&[b"f", image.as_bytes()])
}

pub(super) fn counter_closed(image: &ImageId) -> Vec<u8> {
    notices(&[b"l", image.as_bytes()])
}

pub(super) fn all_restorations() -> KeyRange {
    KeyRange::prefix(&notices(&[b"t"]))
}

pub(super) fn all_statements() -> KeyRange {
    KeyRange::prefix(&notices(&[b"s"]))
}

/// The image of a [`statements`] key.
pub(super) fn image_of_statements(key: &[u8]) -> Option<ImageId> {
    ImageId::from_bytes(key.get(3..)?)
}

pub(super) fn restoration(at_ms: u64, receipt: &Receipt) -> Vec<u8> {
    notices(&[b"t", &at_ms.to_be_bytes(), receipt.as_bytes()])
}

pub(super) fn restorations_due(now_ms: u64) -> KeyRange {
    all_restorations().before(&notices(&[b"t", &now_ms.saturating_add(1).to_be_bytes()]))
}

pub(super) fn counter_expiry(at_ms: u64, receipt: &Receipt) -> Vec<u8> {
    notices(&[b"e", &at_ms.to_be_bytes(), b"c", receipt.as_bytes()])
}

pub(super) fn appeal_expiry(at_ms: u64, image: &ImageId, number: u32) -> Vec<u8> {
    notices(&[
        b"e",
        &at_ms.to_be_bytes(),
        b"a",
        image.as_bytes(),
        &number.to_be_bytes(),
    ])
}

pub(super) fn statement_expiry(at_ms: u64, image: &ImageId) -> Vec<u8> {
    notices(&[b"e", &at_ms.to_be_bytes(), b"s", image.as_bytes()])
}

/// Counter-notices, appeals and statements that come to their end at `now_ms` or before.
pub(super) fn objections_expired(now_ms: u64) -> KeyRange {
    let all = KeyRange::prefix(&notices(&[b"e"]));
    all.before(&notices(&[b"e", &now_ms.saturating_add(1).to_be_bytes()]))
}

/// The key of what an expiry key of [`objections_expired`] is about.
pub(super) fn expired_objection(key: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = key.get(11..)?.split_first()?;
    Some(notices(&[&[*kind], rest]))
}

/// In words, what an expiry key of [`objections_expired`] is about.
pub(super) fn expired_kind(key: &[u8]) -> &'static str {
    match key.get(11) {
        Some(b's') => "the statements of reasons about an image",
        Some(b'a') => "an appeal",
        _ => "a counter-notice",
    }
}

pub(super) fn upheld_same(sha256: &[u8; 32]) -> Vec<u8> {
    notices(&[b"h", b"s", sha256])
}

pub(super) fn upheld_alike(pdq: &[u8; 32]) -> Vec<u8> {
    notices(&[b"h", b"p", pdq])
}

pub(super) fn all_upheld_alike() -> KeyRange {
    KeyRange::prefix(&notices(&[b"h", b"p"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        let image = ImageId::random().unwrap();
        let receipt = Receipt::random().unwrap();
        assert_eq!(expired_case(&expiry(7, &image, 3)), Some((image, 3)));
        let place = due_place(&due(7, &image)).unwrap();
        assert_eq!((place.at_ms, place.what), (7, image));
        assert_eq!(last_receipt(&of_case(&image, 3, &receipt)), Some(receipt));
        assert_eq!(last_receipt(b"mr"), None);
        assert_eq!(expired_case(b"mrx1234567"), None);
        let key = expiry(7, &image, 3);
        assert!(key < expired(7).to && key >= expired(6).to);
        assert_eq!(
            expired_objection(&appeal_expiry(7, &image, 3)),
            Some(appeal(&image, 3))
        );
        assert_eq!(
            expired_objection(&counter_expiry(7, &receipt)),
            Some(counter(&receipt))
        );
        assert_eq!(
            expired_objection(&statement_expiry(7, &image)),
            Some(statements(&image))
        );
        assert_eq!(image_of_statements(&statements(&image)), Some(image));
        assert!(restoration(7, &receipt) < restorations_due(7).to);
    }
}
