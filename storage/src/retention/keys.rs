//! Under which keys it is found what is about to end.

use crate::{ImageId, KeyRange, Space};

fn key(parts: &[&[u8]]) -> Vec<u8> {
    Space::Retention.key(parts)
}

/// The warning of an image.
pub(super) fn warning(image: &ImageId) -> Vec<u8> {
    key(&[b"w", image.as_bytes()])
}

/// A warned image, by the day of its end.
pub(super) fn warned(day: u32, image: &ImageId) -> Vec<u8> {
    key(&[b"d", &day.to_be_bytes(), image.as_bytes()])
}

/// Images whose end comes on this day or came before.
pub(super) fn warned_until(day: u32) -> KeyRange {
    let all = KeyRange::prefix(&key(&[b"d"]));
    all.before(&key(&[b"d", &day.saturating_add(1).to_be_bytes()]))
}

/// Day and image of a [`warned`] key.
pub(super) fn warned_image(key: &[u8]) -> Option<(u32, ImageId)> {
    let (day, image) = key.get(3..)?.split_first_chunk()?;
    Some((u32::from_be_bytes(*day), ImageId::from_bytes(image)?))
}

/// How far the daily pass of a job has come.
pub(super) fn pass(job: &str) -> Vec<u8> {
    key(&[b"c", job.as_bytes()])
}

/// When a folder that was put aside was first seen.
pub(super) fn folder(name: &str) -> Vec<u8> {
    key(&[b"f", name.as_bytes()])
}

/// Every folder that was seen.
pub(super) fn folders() -> KeyRange {
    KeyRange::prefix(&key(&[b"f"]))
}

/// The name of a [`folder`] key.
pub(super) fn folder_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.get(3..)?).ok()
}

/// A log of a CDN that was imported, by its SHA-256.
pub(super) fn import(log: &[u8; 32]) -> Vec<u8> {
    key(&[b"i", log])
}

/// Every log that was imported.
pub(super) fn imports() -> KeyRange {
    KeyRange::prefix(&key(&[b"i"]))
}

/// How many logs are remembered.
pub(super) fn n_imports() -> Vec<u8> {
    key(&[b"n"])
}

/// Since when something deleted may still be readable in the database's files.
pub(super) fn pending() -> Vec<u8> {
    key(&[b"p"])
}

/// When the database was last written anew.
pub(super) fn rewritten() -> Vec<u8> {
    key(&[b"l"])
}

/// An image that is no longer public, while a CDN may have copies of it.
pub(super) fn unpublished(image: &ImageId) -> Vec<u8> {
    key(&[b"u", image.as_bytes()])
}

/// Every such image.
pub(super) fn all_unpublished() -> KeyRange {
    KeyRange::prefix(&key(&[b"u"]))
}

/// Image of an [`unpublished`] key.
pub(super) fn unpublished_image(key: &[u8]) -> Option<ImageId> {
    ImageId::from_bytes(key.get(3..)?)
}

/// That there is a CDN, which may have copies.
pub(super) fn copies_expected() -> Vec<u8> {
    key(&[b"v"])
}
