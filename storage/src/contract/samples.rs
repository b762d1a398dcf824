//! Records and bytes for tests and benches; no real image is behind them.

use sha2::{Digest, Sha256};

use crate::{
    Changes, Classification, DeleteToken, ImageId, PerceptualHash, Record, SledRecords, State,
    Storable, StorageError, StoredLabel, TurnedHashes, Views,
};

/// Bytes that claim to be fit for storage. For tests and benches only.
#[derive(Debug, Clone)]
pub struct SampleBytes(pub Vec<u8>);

impl Storable for SampleBytes {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// When [`sample_record`] was uploaded, in milliseconds since 1970 UTC.
pub const SAMPLE_MS: u64 = 1_750_000_000_000;

/// A record of a random id with every field filled, as of [`SampleBytes`]
/// `b"original"`.
#[must_use]
pub fn sample_record() -> Record {
    sample_record_at(SAMPLE_MS)
}

/// As [`sample_record`], uploaded at a given time in milliseconds since 1970.
#[must_use]
pub fn sample_record_at(uploaded_at_ms: u64) -> Record {
    let bytes = b"original";
    Record {
        id: ImageId::random().expect("the system has random numbers"),
        revision: 0,
        filename: "Ferienfoto \u{1F3D6}.JPG".into(),
        mime: "image/jpeg".into(),
        extension: "jpg".into(),
        bytes: bytes.len() as u64,
        width: 4000,
        height: 3000,
        frames: 1,
        sha256: Sha256::digest(bytes).into(),
        pdq: Some(PerceptualHash {
            hash: [0xA5; 32],
            quality: 100,
            turned: Some(TurnedHashes {
                mirrored: [0x3C; 32],
                flipped: [0x69; 32],
                half_turned: [0x0F; 32],
            }),
        }),
        uploaded_at_ms,
        state: State::Pending,
        legal_hold: false,
        court_hold: false,
        ads_objection: false,
        classification: Some(Classification {
            model: "mobilenet_v2".into(),
            preprocessing: "sample".into(),
            probabilities: [0.125, 0.1, 0.7, 0.05, 0.025],
            thresholds: [0.6, 0.9, 0.3, 0.1],
            label: StoredLabel::Safe,
            confidence: 0.85,
            classified_at_ms: uploaded_at_ms.saturating_add(40),
        }),
        ruling: None,
        scan_attempts: 1,
        delete_token: DeleteToken::random()
            .expect("the system has random numbers")
            .hash(),
    }
}

/// Adds many records, none of which may be there, and the entries of `changes`,
/// durable when it returns. What is handed over together is written in the order
/// of its keys: the more at once, the faster; a million images with their jobs
/// take three gigabytes of memory.
///
/// # Errors
/// When they cannot be written.
pub fn load_in_order(
    records: &SledRecords,
    images: &[Record],
    changes: &Changes,
) -> Result<(), StorageError> {
    records.load_in_order(images, changes)
}

/// Adds many records in one durable write, none of which may be there: a
/// million of them one by one would take an hour.
///
/// # Errors
/// When they cannot be written.
pub fn load_records(records: &SledRecords, batch: &[Record]) -> Result<(), StorageError> {
    let batch: Vec<_> = batch
        .iter()
        .map(|record| (record.clone(), Views::default()))
        .collect();
    records.load(&batch)
}
