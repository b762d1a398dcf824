//! A decoder's panic holds the hook for good, and the test runner would wait for
//! it at its end. So it happens in a process of its own.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A file in the working folder of a test that runs in a process of its own.
const ALONE: &str = "run alone";

/// Does the test in a process of its own, which ends with it.
fn alone(test: &str, body: fn()) {
    if Path::new(ALONE).exists() {
        body();
        process::exit(0);
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(ALONE), b"").expect("a file");
    let run = Command::new(env::current_exe().expect("the test itself"))
        .args(["--exact", test, "--nocapture"])
        .current_dir(folder.path())
        .output()
        .expect("it runs again");
    let text = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{text}");
    assert!(text.contains("meant by a test"), "nothing ran: {text}");
}

fn name_of(test: &str) -> String {
    let module = module_path!().split_once("::").expect("a crate").1;
    format!("{module}::{test}")
}

/// What the caller of a decoder that panics unwinds with.
fn lose_one() -> Option<NoDecoder> {
    struct Unwound;
    static UNWOUND: AtomicUsize = AtomicUsize::new(0);
    impl Drop for Unwound {
        fn drop(&mut self) {
            UNWOUND.fetch_add(1, Ordering::SeqCst);
        }
    }
    let lost = catch_unwind(AssertUnwindSafe(|| {
        contained(|| {
            let _frame_below_the_c_interface = Unwound;
            panic!("meant by a test")
        })
    }));
    assert_eq!(UNWOUND.load(Ordering::SeqCst), 0);
    let Err(payload) = lost else {
        panic!("it unwinds");
    };
    payload.downcast_ref::<NoDecoder>().copied()
}

#[test]
fn a_panic_costs_one_image_and_does_not_unwind() {
    let name = name_of("a_panic_costs_one_image_and_does_not_unwind");
    alone(&name, || {
        assert_eq!(lose_one(), Some(NoDecoder::Lost));
        assert_eq!(decoders_lost(), 1);
        assert_eq!(contained(|| Err(BROKEN)).err(), Some(BROKEN));
    });
}

#[test]
fn no_more_are_lost_than_may_be() {
    let name = name_of("no_more_are_lost_than_may_be");
    alone(&name, || {
        for _ in 0..LOST_MAX {
            assert_eq!(lose_one(), Some(NoDecoder::Lost));
        }
        assert_eq!(lose_one(), Some(NoDecoder::NoneLeft));
        assert_eq!(decoders_lost(), LOST_MAX);
    });
}
