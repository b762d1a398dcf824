//! What was counted on each day: numbers, without anybody's trace.
//!
//! A day has one entry for each [`Dimension`], so the number of keys is bounded
//! by the number of days. While a day lasts its entry is written over and over;
//! when it is closed, what is too rare to be told is taken out of it for good:
//! see [`DayCounts::withhold`].
//!
//! | key in `mk` | value |
//! |---|---|
//! | day since 1970 (4 bytes), byte of the dimension | [`DayCounts`] |

mod counts;

pub use counts::{DayCounts, ENTRIES_MAX, NAME_BYTES_MAX};

use crate::calendar::MS_A_DAY;
use crate::retention::pending;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Direction, ImageId, KeyRange, Keyspace, Space, State, StorageError, Store};

/// How long images are remembered by their ids, in days: an id leads to
/// somebody's picture.
pub const IMAGE_DAYS_MAX: u32 = 30;

/// Days read or written at a time.
pub const DAYS_AT_ONCE_MAX: usize = 800;

/// What is counted. Its byte is written to disk: never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Pages that were shown, by their route.
    Pages,
    /// Images that were looked at, by id.
    Images,
    /// Sites that visitors came from, by host.
    Referrers,
    /// Answers, by status.
    Statuses,
    /// Pages shown to visitors who agreed to be counted, by country.
    Countries,
    /// `sessions` and `seconds` of visitors who agreed to be counted.
    Sessions,
}

impl Dimension {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Pages,
        Self::Images,
        Self::Referrers,
        Self::Statuses,
        Self::Countries,
        Self::Sessions,
    ];

    /// Its name, for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Images => "images",
            Self::Referrers => "referrers",
            Self::Statuses => "statuses",
            Self::Countries => "countries",
            Self::Sessions => "sessions",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Pages => b'p',
            Self::Images => b'i',
            Self::Referrers => b'r',
            Self::Statuses => b's',
            Self::Countries => b'c',
            Self::Sessions => b'l',
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dimension| dimension.byte() == byte)
    }
}

/// The counts of one dimension on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    /// Days since 1970, UTC.
    pub day: u32,
    /// What was counted.
    pub dimension: Dimension,
    /// How often.
    pub counts: DayCounts,
}

/// Writes what was counted so far, over what was there; at most
/// [`DAYS_AT_ONCE_MAX`] entries are. A closed day is left as it is.
///
/// # Errors
/// The store's.
pub fn write(keys: &dyn Keyspace, counted: &[Daily]) -> Result<(), StorageError> {
    let mut changes = Changes::new();
    for daily in counted.iter().take(DAYS_AT_ONCE_MAX) {
        let key = key(daily.day, daily.dimension);
        match Kept::<DayCounts>::read(keys, key.clone())? {
            Some(kept) if kept.value.is_closed => {}
            Some(kept) => kept.replace(&mut changes, &daily.counts),
            None => kept::insert(&mut changes, key, &daily.counts),
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    keys.commit(changes)
}

/// What is kept of one dimension on one day.
///
/// # Errors
/// The store's.
pub fn read(
    keys: &dyn Keyspace,
    day: u32,
    dimension: Dimension,
) -> Result<Option<DayCounts>, StorageError> {
    let kept = Kept::<DayCounts>::read(keys, key(day, dimension))?;
    Ok(kept.map(|kept| kept.value))
}

/// Everything from the first to the last day, both included, the oldest first;
/// at most [`DAYS_AT_ONCE_MAX`] days.
///
/// # Errors
/// The store's.
pub fn range(keys: &dyn Keyspace, first: u32, last: u32) -> Result<Vec<Daily>, StorageError> {
    let days_max = u32::try_from(DAYS_AT_ONCE_MAX).unwrap_or(u32::MAX);
    let last = last.min(first.saturating_add(days_max - 1));
    let range = KeyRange {
        from: Space::Aggregates.key(&[&first.to_be_bytes()]),
        to: Space::Aggregates.key(&[&last.saturating_add(1).to_be_bytes()]),
        direction: Direction::Ascending,
    };
    entries(keys, &range)?
        .into_iter()
        .map(|(day, dimension, kept)| {
            Ok(Daily {
                day,
                dimension,
                counts: kept.value,
            })
        })
        .collect()
}

/// Closes every day before `today`: counts below `count_min` are gone from it
/// afterwards. Returns how many entries were closed.
///
/// # Errors
/// The store's.
pub fn close_before(
    keys: &dyn Keyspace,
    today: u32,
    count_min: u64,
) -> Result<usize, StorageError> {
    let mut changes = Changes::new();
    let (mut n_closed, mut is_less) = (0, false);
    for (_, dimension, kept) in entries(keys, &before(today))? {
        if kept.value.is_closed {
            continue;
        }
        // Seconds are a sum, not a count of people.
        let closed = match dimension {
            Dimension::Sessions => kept.value.clone().closed_whole("sessions", count_min),
            _ => kept.value.clone().withhold(count_min),
        };
        is_less |= closed.names().count() < kept.value.names().count();
        kept.replace(&mut changes, &closed);
        n_closed += 1;
    }
    if is_less {
        pending::plan(keys, &mut changes, start_ms(today))?;
    }
    if n_closed > 0 {
        keys.commit(changes)?;
    }
    Ok(n_closed)
}

/// What a run of [`expire`] removed, or would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Entries older than the setting says.
    pub n_entries: usize,
    /// Entries that name images and are older than [`IMAGE_DAYS_MAX`].
    pub n_image_entries: usize,
}

/// Removes what is older than `days` days, and names of images older than
/// [`IMAGE_DAYS_MAX`]. A dry run says what would go.
///
/// # Errors
/// The store's.
pub fn expire(
    keys: &dyn Keyspace,
    today: u32,
    days: u32,
    dry_run: bool,
) -> Result<Expired, StorageError> {
    let mut expired = Expired::default();
    let mut changes = Changes::new();
    for (day, dimension, kept) in entries(keys, &before(today))? {
        let age = today.saturating_sub(day);
        if age >= days {
            expired.n_entries += 1;
        } else if dimension == Dimension::Images && age >= IMAGE_DAYS_MAX {
            expired.n_image_entries += 1;
        } else {
            continue;
        }
        kept.remove(&mut changes);
    }
    if !dry_run && !changes.is_empty() {
        pending::plan(keys, &mut changes, start_ms(today))?;
        keys.commit(changes)?;
    }
    Ok(expired)
}

/// Which of these names are of no image that is public.
///
/// # Errors
/// The store's.
pub fn gone_images<'a>(
    store: &Store,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, StorageError> {
    let mut gone = Vec::new();
    for name in names {
        let id = name.parse::<ImageId>().ok();
        let record = id.map(|id| store.find(&id)).transpose()?.flatten();
        if record.is_none_or(|record| record.state != State::Public) {
            gone.push(name.to_owned());
        }
    }
    Ok(gone)
}

/// Takes out the ids of images that are not public any more; their views stay
/// counted among the others. Returns how many ids went.
///
/// # Errors
/// The store's.
pub fn forget_gone_images(store: &Store, today: u32) -> Result<usize, StorageError> {
    let mut changes = Changes::new();
    let mut n_gone = 0;
    for (_, dimension, kept) in entries(store, &Space::Aggregates.all())? {
        if dimension != Dimension::Images {
            continue;
        }
        let gone = gone_images(store, kept.value.names())?;
        if gone.is_empty() {
            continue;
        }
        let mut left = kept.value.clone();
        gone.iter().for_each(|name| left.forget(name));
        kept.replace(&mut changes, &left);
        n_gone += gone.len();
    }
    if n_gone > 0 {
        pending::plan(store, &mut changes, start_ms(today))?;
        Keyspace::commit(store, changes)?;
    }
    Ok(n_gone)
}

/// What is taken out leaves the database's files with the next rewrite, by whose
/// time the day counts whole.
fn start_ms(day: u32) -> u64 {
    u64::from(day).saturating_mul(MS_A_DAY)
}

fn before(day: u32) -> KeyRange {
    Space::Aggregates
        .all()
        .before(&Space::Aggregates.key(&[&day.to_be_bytes()]))
}

type Found = (u32, Dimension, Kept<DayCounts>);

fn entries(keys: &dyn Keyspace, range: &KeyRange) -> Result<Vec<Found>, StorageError> {
    let limit = DAYS_AT_ONCE_MAX * Dimension::ALL.len();
    let mut found = Vec::new();
    for entry in keys.range(range, limit)? {
        let place = entry.key.get(2..6).and_then(|day| day.first_chunk());
        let day = place.map(|day| u32::from_be_bytes(*day));
        let dimension = entry.key.get(6).copied().and_then(Dimension::of_byte);
        if let (Some(day), Some(dimension)) = (day, dimension) {
            found.push((day, dimension, Kept::decode(entry.key, entry.value)?));
        }
    }
    Ok(found)
}

fn key(day: u32, dimension: Dimension) -> Vec<u8> {
    Space::Aggregates.key(&[&day.to_be_bytes(), &[dimension.byte()]])
}

#[cfg(test)]
mod tests;
