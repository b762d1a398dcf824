//! Any bytes: a header or a refusal, at once and without memory of their size.
#![no_main]

use imgshare_pipeline::Limits;
use imgshare_pipeline::item::Upload;
use imgshare_pipeline::stage::sniff::sniff;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let upload = Upload {
        bytes: bytes.into(),
    };
    let _answer = sniff(upload, &Limits::default());
});
