//! What every refusal has in common: a stable code, nothing kept, and a server
//! as quick as before.

use std::time::{Duration, Instant};

use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use imgshare_tests::server::Server;

/// Where uploads go.
pub(crate) const UPLOADS: &str = "/api/v1/images";

/// A healthy server answers in a millisecond; this leaves room for a machine
/// that is busy with the other tests.
pub(crate) const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Sends each bad input and checks what is left of it.
pub(crate) struct Refusals {
    installation: Installation,
    pub(crate) server: Server,
}

impl Refusals {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        let installation = Installation::new();
        let server = installation.serve_with(settings);
        Self {
            installation,
            server,
        }
    }

    pub(crate) fn file(&self, name: &str, file: &[u8], status: u16, code: &str) {
        self.answer(name, &self.server.client().upload(name, file), status, code);
    }

    pub(crate) fn body(&self, name: &str, body: &[u8], status: u16, code: &str) {
        self.answer(
            name,
            &self.server.client().post_form(UPLOADS, body),
            status,
            code,
        );
    }

    pub(crate) fn answer(&self, name: &str, answer: &Response, status: u16, code: &str) {
        println!("{name}: {}", answer.text());
        answer.expect_problem(status, code);
        let asked = Instant::now();
        let _ = self.server.client().get("/healthz").expect(200);
        assert!(
            asked.elapsed() < ANSWERS_WITHIN,
            "slow after {name}: {:?}",
            asked.elapsed()
        );
        let left = data_dir::image_files(self.installation.data());
        assert!(left.is_empty(), "{name} left {left:?}");
    }

    /// The server still does its work, and has nothing else in store.
    pub(crate) fn end(self) {
        let good = Picture::scene(64, 64, 1).png();
        let _ = self.server.client().upload("good.png", &good).expect(201);
        let left = data_dir::image_files(self.installation.data());
        assert!(!left.is_empty(), "the good one is stored");
        assert!(
            !self.server.log().contains("panicked"),
            "{}",
            self.server.log()
        );
        self.server.stop();
    }
}
