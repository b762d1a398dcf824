//! Any body: one file within its limit, or a problem; and a body made of the
//! bytes as they are gives them back.
#![no_main]

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use imgshare_fuzz::http::body::BodyLimits;
use imgshare_fuzz::http::multipart::{MultipartProblem, UploadedFile, read_one_file};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

const FILE_BYTES_MAX: u64 = 2_000;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = read(bytes.to_vec()) {
        assert!(file.bytes.len() as u64 <= FILE_BYTES_MAX);
        assert!(!file.bytes.is_empty());
        assert!(!file.filename.contains(['/', '\\', '\0', '\n']));
    }
    let holds_boundary = bytes.windows(4).any(|four| four == b"--XX");
    if !bytes.is_empty() && bytes.len() as u64 <= FILE_BYTES_MAX && !holds_boundary {
        let head = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        let whole = [&head[..], bytes, b"\r\n--XX--\r\n"].concat();
        let file = read(whole).expect("a well-formed body");
        assert_eq!(file.bytes, bytes);
    }
});

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of one thread");
}

fn read(body: Vec<u8>) -> Result<UploadedFile, MultipartProblem> {
    let request = Request::post("/")
        .header("content-type", "multipart/form-data; boundary=XX")
        .body(Body::from(body))
        .expect("a request");
    let limits = BodyLimits {
        bytes_max: u64::MAX,
        time_max: Duration::from_secs(5),
        stall_time_max: Duration::from_secs(5),
        bytes_per_second_min: 1,
    };
    RUNTIME.with(|runtime| runtime.block_on(read_one_file(request, FILE_BYTES_MAX, limits)))
}
