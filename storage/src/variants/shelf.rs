//! Which variants are kept, how much room they take, and which go first.

use std::collections::BTreeMap;
use std::fmt;

use crate::{ImageId, PartName};

/// Room is counted in blocks, as a file system gives it: a bound on bytes is
/// then one on the number of files too.
const BLOCK_BYTES: u64 = 4096;

/// A variant: of which image, and its name in the fixed list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) id: ImageId,
    pub(super) name: Box<str>,
}

/// What is known of a kept variant: with its key, the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seal: Seal,
    pub(super) extension: Box<str>,
    pub(super) bytes: u64,
}

/// The first half of the bytes' SHA-256. Nothing is synced when a variant is
/// stored, so that a loss of power may leave other bytes under its name.
pub(super) type Seal = [u8; 16];

/// The file of a variant: `<id>.<variant>.<seal>.<extension>`.
pub(super) struct FileName<'a>(pub(super) &'a Key, pub(super) &'a Entry);

impl fmt::Display for FileName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Key { id, name }, entry) = self;
        let (seal, extension) = (hex::encode(entry.seal), &entry.extension);
        write!(formatter, "{id}.{name}.{seal}.{extension}")
    }
}

/// Reads a file's name back; `None` for one that is none of ours.
pub(super) fn parse(file_name: &str, bytes: u64) -> Option<(Key, Entry)> {
    let mut parts = file_name.split('.');
    let (id, name) = (parts.next()?.parse().ok()?, parts.next()?);
    let mut seal = Seal::default();
    hex::decode_to_slice(parts.next()?, &mut seal).ok()?;
    let extension = parts.next()?;
    PartName::original(extension).ok()?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) || parts.next().is_some() {
        return None;
    }
    let key = Key {
        id,
        name: name.into(),
    };
    let entry = Entry {
        seal,
        extension: extension.into(),
        bytes,
    };
    Some((key, entry))
}

/// The kept variants in the order of their last use.
#[derive(Debug)]
pub(super) struct Shelf {
    kept: BTreeMap<Key, (Entry, u64)>,
    by_use: BTreeMap<u64, Key>,
    n_uses: u64,
    bytes: u64,
    bytes_max: u64,
}

impl Shelf {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            kept: BTreeMap::new(),
            by_use: BTreeMap::new(),
            n_uses: 0,
            bytes: 0,
            bytes_max,
        }
    }

    /// What all of them take.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn set_bytes_max(&mut self, bytes_max: u64) {
        self.bytes_max = bytes_max;
    }

    /// Whether there would be room for a variant if all others went.
    pub(super) fn could_take(&self, bytes: u64) -> bool {
        room(bytes) <= self.bytes_max
    }

    /// Adds a variant as the one used last; returns the one it replaces.
    pub(super) fn put(&mut self, key: Key, entry: Entry) -> Option<Entry> {
        let replaced = self.take(&key);
        self.n_uses += 1;
        self.bytes = self.bytes.saturating_add(room(entry.bytes));
        self.by_use.insert(self.n_uses, key.clone());
        self.kept.insert(key, (entry, self.n_uses));
        replaced
    }

    /// The variant, used now.
    pub(super) fn touch(&mut self, key: &Key) -> Option<Entry> {
        let (entry, used) = self.kept.get_mut(key)?;
        self.by_use.remove(used);
        self.n_uses += 1;
        *used = self.n_uses;
        self.by_use.insert(self.n_uses, key.clone());
        Some(entry.clone())
    }

    pub(super) fn take(&mut self, key: &Key) -> Option<Entry> {
        let (entry, used) = self.kept.remove(key)?;
        self.by_use.remove(&used);
        self.bytes = self.bytes.saturating_sub(room(entry.bytes));
        Some(entry)
    }

    /// Takes every variant of an image.
    pub(super) fn take_image(&mut self, id: ImageId) {
        let first = Key {
            id,
            name: "".into(),
        };
        let keys = self.kept.range(first..).map(|(key, _)| key);
        let keys: Vec<Key> = keys.take_while(|key| key.id == id).cloned().collect();
        for key in keys {
            self.take(&key);
        }
    }

    /// Takes those used longest ago until there are not too many bytes.
    pub(super) fn take_excess(&mut self) -> Vec<(Key, Entry)> {
        let mut taken = Vec::new();
        while self.bytes > self.bytes_max
            && let Some(key) = self.by_use.values().next().cloned()
            && let Some(entry) = self.take(&key)
        {
            taken.push((key, entry));
        }
        taken
    }

    /// Whether exactly this variant is kept.
    pub(super) fn holds(&self, key: &Key, entry: &Entry) -> bool {
        self.kept.get(key).is_some_and(|(kept, _)| kept == entry)
    }

    /// The images that have variants, each once.
    pub(super) fn ids(&self) -> Vec<ImageId> {
        let mut ids: Vec<ImageId> = self.kept.keys().map(|key| key.id).collect();
        ids.dedup();
        ids
    }
}

fn room(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: ImageId, name: &str) -> Key {
        Key {
            id,
            name: name.into(),
        }
    }

    fn entry(bytes: u64) -> Entry {
        Entry {
            seal: [7; 16],
            extension: "jpg".into(),
            bytes,
        }
    }

    #[test]
    fn a_file_name_is_read_back() {
        let key = key(ImageId::random().unwrap(), "social-blurred");
        let name = FileName(&key, &entry(5)).to_string();
        assert_eq!(parse(&name, 5), Some((key.clone(), entry(5))));
        let id = key.id;
        for other in [
            format!("{id}.thumb.jpg"),
            format!("{id}.thumb.0707.jpg"),
            format!("{id}.Thumb.{}.jpg", "07".repeat(16)),
            format!("{id}..{}.jpg", "07".repeat(16)),
            format!("{id}.thumb.{}.jpg.part", "07".repeat(16)),
            format!("notes.thumb.{}.jpg", "07".repeat(16)),
            "README".to_owned(),
        ] {
            assert_eq!(parse(&other, 5), None, "{other}");
        }
    }

    #[test]
    fn the_one_used_longest_ago_goes_first() {
        let mut shelf = Shelf::new(3 * BLOCK_BYTES);
        let ids: Vec<ImageId> = (0..4).map(|_| ImageId::random().unwrap()).collect();
        for id in &ids[..3] {
            shelf.put(key(*id, "thumb"), entry(1));
        }
        assert_eq!(shelf.take_excess(), []);
        shelf.touch(&key(ids[0], "thumb")).unwrap();
        shelf.put(key(ids[3], "thumb"), entry(BLOCK_BYTES));
        let gone = shelf.take_excess();
        assert_eq!(gone, [(key(ids[1], "thumb"), entry(1))]);
        assert_eq!(shelf.take_excess(), []);
        assert_eq!(shelf.bytes(), 3 * BLOCK_BYTES);
    }

    #[test]
    fn an_image_takes_all_of_its_variants_along() {
        let mut shelf = Shelf::new(1 << 20);
        let (gone, stays) = (ImageId::random().unwrap(), ImageId::random().unwrap());
        for id in [gone, stays] {
            for name in ["medium", "thumb"] {
                shelf.put(key(id, name), entry(1));
            }
        }
        let mut ids = [gone, stays];
        ids.sort_unstable();
        assert_eq!(shelf.ids(), ids);
        shelf.take_image(gone);
        shelf.take_image(gone);
        assert_eq!(shelf.ids(), [stays]);
        assert_eq!(shelf.bytes(), 2 * BLOCK_BYTES);
        assert!(shelf.touch(&key(stays, "thumb")).is_some());
    }

    #[test]
    fn replacing_counts_once() {
        let mut shelf = Shelf::new(1 << 20);
        let key = key(ImageId::random().unwrap(), "thumb");
        assert_eq!(shelf.put(key.clone(), entry(5000)), None);
        assert_eq!(shelf.put(key, entry(5)), Some(entry(5000)));
        assert_eq!(shelf.bytes(), BLOCK_BYTES);
    }
}
