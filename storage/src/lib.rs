//! Records and blobs: what is kept about an image, where, and how it survives.
//!
//! [`Store`] is the only door. It pairs one [`Records`] with one [`Blobs`] and
//! keeps the durable order between them:
//!
//! 1. the blob with its sidecar appears at once, by temporary folder, fsync and
//!    rename, and is in doubt;
//! 2. the record is inserted and flushed: this is the commit point;
//! 3. the doubt is settled.
//!
//! A crash anywhere leaves either the whole image or, after
//! [`Store::recover`], nothing of it.
//!
//! The sidecar is the encoded record beside the bytes. Everything in the
//! records except view counters can be rebuilt from it ([`repair`]).
//!
//! Deliberately absent: pixels, HTTP, async, and any name given by a client as
//! part of a path.

pub mod aggregates;
pub mod audit;
pub mod backup;
mod blobs;
pub mod blocks;
pub mod calendar;
pub mod complaints;
mod data_dir;
mod decoy;
mod durable_fs;
mod erased;
mod error;
mod exposure;
mod file_blobs;
mod hex_bytes;
mod id;
pub mod inspect;
mod intact;
mod keyspace;
pub mod lawful;
mod likenesses;
mod memory;
pub mod moderation;
mod part;
mod pdq_index;
mod record;
mod record_keys;
mod records;
mod recovery;
mod repair;
pub mod request_log;
pub mod retention;
mod room;
mod sled_records;
pub mod staff;
mod store;
mod token;
mod turning;
mod variants;
mod view_counter;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod full_disk_tests;
#[cfg(test)]
mod kill_tests;

pub use blobs::{BlobReader, Blobs, ReadSeek, Storable};
pub use error::StorageError;
pub use exposure::Exposed;
pub use file_blobs::FileBlobs;
pub use id::{ImageId, InvalidImageId};
pub use keyspace::{
    COMMIT_BYTES_MAX, Changes, Direction, Entry, KEY_BYTES_MAX, KeyRange, Keyspace, Space,
    VALUE_BYTES_MAX,
};
pub use likenesses::Alike;
pub use memory::{MemoryBlobs, MemoryRecords};
pub use part::{InvalidPartName, Part, PartName};
pub use record::{Classification, PerceptualHash, Record, RuledBy, Ruling, State, StoredLabel};
pub use records::{Cursor, Idle, Likeness, Page, Records, Rewritten, ViewDelta, Views};
pub use repair::{RepairEvent, RepairReport, SkipReason, repair};
pub use sled_records::SledRecords;
pub use store::Store;
pub use token::{DeleteToken, TokenHash};
pub use turning::{TurnedHashes, Turning};
pub use variants::{StoredVariant, VARIANT_BYTES_MAX};
