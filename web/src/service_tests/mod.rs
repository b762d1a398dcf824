//! The service through its router: memory for the store, a made-up classifier,
//! everything between them real.

mod ads;
mod archive;
mod bank_door;
mod cdn;
mod complaints;
mod deletion;
mod enumeration;
mod images;
mod pages;
mod policies;
mod rescans;
mod retention;
mod rights;
mod staff;
mod uploads;
mod variants;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use imgshare_models::manifest;
use imgshare_models::{Classifier, ClassifyError, ModelSpec, Scores};
use imgshare_pipeline::Pipeline;
use imgshare_pipeline::stage::testing;
use imgshare_storage::Store;
use serde_json::Value;
use tower::ServiceExt;

use crate::app::{self, App, AppState};
use crate::config::Settings;

const SAFE: Scores = Scores::from_array([0.01, 0.01, 0.96, 0.01, 0.01]);
const NSFW: Scores = Scores::from_array([0.01, 0.02, 0.02, 0.90, 0.05]);

/// Says the same of every picture, or fails while nothing is set.
#[derive(Clone)]
struct Oracle(Arc<Mutex<Option<Scores>>>);

impl Oracle {
    fn says(scores: Scores) -> Self {
        Self(Arc::new(Mutex::new(Some(scores))))
    }

    fn failing() -> Self {
        Self(Arc::default())
    }

    fn set(&self, scores: Scores) {
        *self.0.lock().unwrap() = Some(scores);
    }
}

impl Classifier for Oracle {
    fn spec(&self) -> &'static ModelSpec {
        &manifest::models()[0]
    }

    fn device(&self) -> String {
        "oracle".to_owned()
    }

    fn buckets(&self) -> &[usize] {
        &[1, 4]
    }

    fn classify(&mut self, _: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        match *self.0.lock().unwrap() {
            Some(scores) => Ok(vec![scores; n_images]),
            None => Err(ClassifyError::Device {
                device: self.device(),
                reason: "off".to_owned(),
            }),
        }
    }
}

/// A service without a network.
struct Service {
    app: AppState,
    router: Router,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Service {
    fn start(oracle: &Oracle, settings: Settings) -> Self {
        let oracle = oracle.clone();
        let make = move || Ok(Box::new(oracle) as Box<dyn Classifier>);
        let pipeline = Pipeline::start(settings.pipeline_settings(), Box::new(make)).unwrap();
        let app = App::new(settings, Store::memory(), pipeline).unwrap();
        Self {
            router: app::router(Arc::clone(&app)),
            app,
        }
    }

    fn saying(scores: Scores) -> Self {
        Self::start(&Oracle::says(scores), Settings::default())
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// As a browser navigates.
    async fn browse(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT, "text/html,*/*;q=0.8");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn upload(&self, file: &[u8]) -> Answer {
        self.send(upload_request("/api/v1/images", file)).await
    }

    /// The answer to an upload that is taken.
    async fn uploaded(&self, file: &[u8]) -> Value {
        let answer = self.upload(file).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer.json()
    }

    fn n_stored(&self) -> u64 {
        self.app.store.count().unwrap()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(
            self.header(header::CONTENT_TYPE),
            "application/problem+json"
        );
        let problem = self.json();
        assert_eq!(
            (problem["code"].as_str(), problem["status"].as_u64()),
            (Some(code), Some(u64::from(status)))
        );
        assert_eq!(problem["type"], format!("urn:imgshare:problem:{code}"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
}

fn upload_request(path: &str, file: &[u8]) -> Request<Body> {
    multipart_request(path, &part("file", "cat.jpg", file))
}

fn part(name: &str, filename: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn multipart_request(path: &str, parts: &[u8]) -> Request<Body> {
    let body = [parts, b"--XX--\r\n"].concat();
    Request::post(path)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::HOST, "img.example")
        .body(Body::from(body))
        .unwrap()
}

/// The path of a link of ours.
fn path_of(link: &Value) -> &str {
    link.as_str()
        .unwrap()
        .strip_prefix("http://img.example")
        .unwrap()
}

fn photo() -> Vec<u8> {
    testing::jpeg(64, 48)
}

fn form(path: &str, body: String) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "text/html")
        .body(Body::from(body))
        .unwrap()
}
