//! The promises of [`Records`](crate::Records), [`Keyspace`](crate::Keyspace) and
//! [`Blobs`](crate::Blobs) as tests that every implementation runs.

mod blobs;
mod keyspace;
mod records;
mod samples;

pub use blobs::blobs_contract;
pub use keyspace::keyspace_contract;
pub use records::records_contract;
pub use samples::{
    SAMPLE_MS, SampleBytes, load_in_order, load_records, sample_record, sample_record_at,
};
