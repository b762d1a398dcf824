//! Any `Range` header over any length: what is asked for lies in the whole. The
//! first eight bytes are the length.
#![no_main]

use imgshare_fuzz::http::range::{Requested, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, value)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let (length, value) = (u64::from_le_bytes(*length), String::from_utf8_lossy(value));
    match parse(&value, length) {
        Requested::Part { first, last } => assert!(first <= last && last < length),
        Requested::Unsatisfiable | Requested::Whole => {}
    }
});
