//! The keys of the embedded database. One keyspace holds everything, told apart
//! by the first byte, so that one batch can change a record, its place in the
//! index, and the count together.
//!
//! | key | value |
//! |---|---|
//! | `f` | the layout's version, one byte |
//! | `h` SHA-256 id | nothing |
//! | `i` day id | nothing: when the image was last viewed, or uploaded |
//! | `l` PDQ id | nothing; only where the quality suffices |
//! | `m` ... | the keyspace beside the records: [`Space`](crate::Space) lists its parts |
//! | `n` | number of records, u64 |
//! | `p` | what the last probe wrote |
//! | `r` id | the encoded record |
//! | `s` state upload-time id | nothing |
//! | `v` id | views: total u64, last day u32 |
//!
//! Numbers are big-endian, so that byte order is their order.

use crate::{Cursor, Idle, ImageId, KeyRange, Likeness, Record, State, Views, calendar};

pub(crate) const FORMAT: &[u8] = b"f";
/// Version 2 has the index by SHA-256, version 3 those by PDQ and by the last use.
pub(crate) const FORMAT_VERSION: u8 = 3;
/// The oldest layout that is brought up to date.
pub(crate) const FORMAT_VERSION_OLDEST: u8 = 1;
pub(crate) const COUNT: &[u8] = b"n";
pub(crate) const PROBE: &[u8] = b"p";

/// What every record's key begins with.
pub(crate) const RECORD_PREFIX: &[u8] = b"r";

pub(crate) fn record(id: &ImageId) -> Vec<u8> {
    [b"r", id.as_bytes().as_slice()].concat()
}

/// The key that lists a record under the SHA-256 of its bytes.
pub(crate) fn hashed(record: &Record) -> Vec<u8> {
    [
        hash_prefix(&record.sha256).as_slice(),
        record.id.as_bytes().as_slice(),
    ]
    .concat()
}

/// What every key listed under a SHA-256 begins with.
pub(crate) fn hash_prefix(sha256: &[u8; 32]) -> Vec<u8> {
    [b"h", sha256.as_slice()].concat()
}

/// Reads an id back from its key under a SHA-256.
pub(crate) fn hashed_id(key: &[u8]) -> Option<ImageId> {
    ImageId::from_bytes(key.get(33..)?)
}

/// The key that lists a record under what it looks like.
pub(crate) fn alike(likeness: &Likeness) -> Vec<u8> {
    [
        alike_prefix(Some(&likeness.hash)).as_slice(),
        likeness.id.as_bytes().as_slice(),
    ]
    .concat()
}

/// What every key listed under a likeness, or under any, begins with.
pub(crate) fn alike_prefix(hash: Option<&[u8; 32]>) -> Vec<u8> {
    let hash = hash.map_or(&[][..], <[u8; 32]>::as_slice);
    [b"l".as_slice(), hash].concat()
}

/// Reads a likeness back from its key.
pub(crate) fn likeness(key: &[u8]) -> Option<Likeness> {
    let (hash, id) = key.get(1..)?.split_first_chunk()?;
    Some(Likeness {
        hash: *hash,
        id: ImageId::from_bytes(id)?,
    })
}

/// Every key that lists a record.
pub(crate) fn indexes(record: &Record) -> Vec<Vec<u8>> {
    let likeness = Likeness::of(record);
    [listed(record), hashed(record)]
        .into_iter()
        .chain(likeness.as_ref().map(alike))
        .collect()
}

pub(crate) fn views(id: &ImageId) -> Vec<u8> {
    [b"v", id.as_bytes().as_slice()].concat()
}

/// The image of a [`views`] key; `None` for any other key.
pub(crate) fn viewed_image(key: &[u8]) -> Option<ImageId> {
    let (kind, id) = key.split_first()?;
    ImageId::from_bytes(id).filter(|_| *kind == b'v')
}

/// The key that lists a record under the day it was last used.
pub(crate) fn used(record: &Record, views: Views) -> Vec<u8> {
    let uploaded = calendar::day(record.uploaded_at_ms);
    idle(&Idle {
        since_day: uploaded.max(views.last_day.unwrap_or_default()),
        id: record.id,
    })
}

fn idle(place: &Idle) -> Vec<u8> {
    [
        b"i".as_slice(),
        &place.since_day.to_be_bytes(),
        place.id.as_bytes(),
    ]
    .concat()
}

/// Where images are listed that were last used before a day, behind `after`.
pub(crate) fn idle_before(day: u32, after: Option<&Idle>) -> (Vec<u8>, Vec<u8>) {
    let all = KeyRange {
        from: b"i".to_vec(),
        to: [b"i".as_slice(), &day.to_be_bytes()].concat(),
        direction: crate::Direction::Ascending,
    };
    let range = match after {
        Some(place) => all.after(&idle(place)),
        None => all,
    };
    (range.from, range.to)
}

/// Reads a place back from its key under a day.
pub(crate) fn idle_place(key: &[u8]) -> Option<Idle> {
    let (day, id) = key.get(1..)?.split_first_chunk()?;
    Some(Idle {
        since_day: u32::from_be_bytes(*day),
        id: ImageId::from_bytes(id)?,
    })
}

/// The key that lists a record under its state.
pub(crate) fn listed(record: &Record) -> Vec<u8> {
    listed_at(record.state, &Cursor::of(record))
}

/// The key that lists a place under a state.
pub(crate) fn listed_at(state: State, place: &Cursor) -> Vec<u8> {
    [
        state_prefix(state).as_slice(),
        &place.uploaded_at_ms.to_be_bytes(),
        place.id.as_bytes().as_slice(),
    ]
    .concat()
}

/// What every key listed under a state begins with.
pub(crate) fn state_prefix(state: State) -> [u8; 2] {
    // Written to disk: never renumbered.
    let number = match state {
        State::Pending => 0,
        State::Public => 1,
        State::Review => 2,
        State::Blocked => 3,
        State::ScanFailed => 4,
        State::Removed => 5,
    };
    [b's', number]
}

/// What no key listed under a state reaches.
pub(crate) fn state_end(state: State) -> [u8; 2] {
    let [kind, number] = state_prefix(state);
    [kind, number + 1]
}

/// Reads a place back from its key under a state.
pub(crate) fn place(key: &[u8]) -> Option<Cursor> {
    let (uploaded_at_ms, id) = key.get(2..)?.split_first_chunk()?;
    Some(Cursor {
        uploaded_at_ms: u64::from_be_bytes(*uploaded_at_ms),
        id: ImageId::from_bytes(id)?,
    })
}

pub(crate) fn encode_views(views: Views) -> Vec<u8> {
    let day = views.last_day.unwrap_or_default();
    [views.total.to_be_bytes().as_slice(), &day.to_be_bytes()].concat()
}

pub(crate) fn decode_views(value: &[u8]) -> Option<Views> {
    let (total, day) = value.split_first_chunk()?;
    let day = day.try_into().ok()?;
    Some(Views {
        total: u64::from_be_bytes(*total),
        last_day: Some(u32::from_be_bytes(day)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_under_a_state_sort_by_upload_time() {
        let place = |uploaded_at_ms| Cursor {
            uploaded_at_ms,
            id: ImageId::random().unwrap(),
        };
        let places = [place(0), place(255), place(256), place(u64::MAX)];
        for state in State::ALL {
            let keys = places.map(|place| listed_at(state, &place));
            assert!(keys.is_sorted());
            assert!(keys[0] > state_prefix(state).to_vec() && keys[3] < state_end(state).to_vec());
            assert_eq!(keys.map(|key| super::place(&key).unwrap()), places);
        }
    }

    #[test]
    fn a_strange_key_or_value_is_none() {
        assert_eq!(place(b"s"), None);
        assert_eq!(place(b"s0123456789"), None);
        assert_eq!(hashed_id(b"h0123456789"), None);
        assert_eq!(idle_place(b"i012"), None);
        assert_eq!(likeness(b"l0123456789"), None);
        assert_eq!(decode_views(b"short"), None);
        let views = Views {
            total: 7,
            last_day: Some(20_000),
        };
        assert_eq!(decode_views(&encode_views(views)), Some(views));
    }
}
