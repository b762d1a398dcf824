//! Any PNG: an answer, and what is accepted keeps every promise. Each is tried a
//! second time with its checksums mended, or no change would get past them.
#![no_main]

use imgshare_fuzz::keeps_promises;
use imgshare_pipeline::Format;
use imgshare_pipeline::stage::testing::png_with_checksums_mended;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if let Some(mended) = png_with_checksums_mended(bytes) {
        let _is_png = keeps_promises(&mended, Format::Png);
    }
    if keeps_promises(bytes, Format::Png) {
        Corpus::Keep
    } else {
        Corpus::Reject
    }
});
