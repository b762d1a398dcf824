//! Any AVIF: an answer, and what is accepted keeps every promise.
#![no_main]

use imgshare_fuzz::keeps_promises;
use imgshare_pipeline::Format;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if keeps_promises(bytes, Format::Avif) {
        Corpus::Keep
    } else {
        Corpus::Reject
    }
});
