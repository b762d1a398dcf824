//! Requests that break a rule before any image is looked at.

use std::io::Write;
use std::net::Shutdown;

use imgshare_tests::deadline::wait_for;
use imgshare_tests::multipart::{self, BOUNDARY, FormPart};
use imgshare_tests::picture::Picture;
use imgshare_tests::response::read_response;

use crate::refusals::{ANSWERS_WITHIN, Refusals, UPLOADS};

#[test]
fn no_file_one_file_too_many_or_an_empty_one() {
    let refusals = Refusals::start();
    let picture = Picture::scene(16, 16, 1).png();
    let file = FormPart::file("a.png", &picture);
    refusals.body("an empty body", b"", 400, "file-missing");
    refusals.body("an empty form", &multipart::body(&[]), 400, "file-missing");
    let renamed = multipart::body(&[FormPart {
        name: "picture",
        ..file
    }]);
    refusals.body("a file under another name", &renamed, 400, "file-missing");
    refusals.file("an empty file", b"", 400, "empty-file");
    refusals.body(
        "two files",
        &multipart::body(&[file, file]),
        400,
        "too-many-files",
    );
    refusals.end();
}

#[test]
fn a_body_over_forty_megabytes() {
    let refusals = Refusals::start();
    let body = multipart::body(&[FormPart::file("large.png", &vec![0; 41_000_000])]);
    refusals.body("a 41 MB body", &body, 413, "body-too-large");

    let client = refusals.server.client();
    let mut stream = client.connect().expect("the server accepts");
    let headers = [
        ("Content-Type", multipart::content_type()),
        ("Transfer-Encoding", "chunked".to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let head = client.request_head("POST", UPLOADS, &headers) + "\r\n";
    stream
        .write_all(head.as_bytes())
        .expect("the head is taken");
    // The server may close on a client that goes on after its answer.
    for chunk in body.chunks(1 << 16) {
        let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        if stream.write_all(&framed).is_err() {
            break;
        }
    }
    let answer = read_response(&stream, false).expect("the answer comes through");
    refusals.answer("41 MB of unknown length", &answer, 413, "body-too-large");
    refusals.end();
}

#[test]
fn multipart_that_breaks_its_own_rules() {
    let refusals = Refusals::start();
    let malformed = "malformed-multipart";
    let whole = multipart::body(&[FormPart::file("a.png", &Picture::scene(16, 16, 1).png())]);
    refusals.body("no boundary", b"no boundary in here", 400, malformed);
    refusals.body("no end", &whole[..whole.len() - 8], 400, malformed);
    let cut_head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; na");
    refusals.body("half a part's head", cut_head.as_bytes(), 400, malformed);
    let client = refusals.server.client();
    for content_type in ["multipart/form-data", "application/json", "image/png"] {
        let answer = client.request("POST", UPLOADS, &[("Content-Type", content_type)], &whole);
        refusals.answer(content_type, &answer, 400, malformed);
    }
    let untyped = client.request("POST", UPLOADS, &[], &whole);
    refusals.answer("no content type", &untyped, 400, malformed);
    refusals.end();
}

#[test]
fn a_body_that_stops_half_way() {
    let refusals = Refusals::start_with(&[("IMGSHARE_HTTP_BODY_STALL_SECONDS_MAX", "1")]);
    let body = multipart::body(&[FormPart::file("a.png", &Picture::scene(300, 300, 1).png())]);
    let half = &body[..body.len() / 2];
    let client = refusals.server.client();
    let head = client.request_head(
        "POST",
        UPLOADS,
        &[("Content-Type", &multipart::content_type())],
    ) + &format!("Content-Length: {}\r\n\r\n", body.len());

    let mut stalled = client.connect().expect("the server accepts");
    stalled
        .write_all(&[head.as_bytes(), half].concat())
        .expect("half is taken");
    let answer = read_response(&stalled, false).expect("an answer, though the body never came");
    refusals.answer("a body that stalls", &answer, 408, "body-timeout");

    let mut closed = client.connect().expect("the server accepts");
    closed
        .write_all(&[head.as_bytes(), half].concat())
        .expect("half is taken");
    closed
        .shutdown(Shutdown::Write)
        .expect("a connection can be half closed");
    // Whether a client that has stopped sending still listens is not known to
    // the server: it may answer or hang up, but not keep anything.
    if let Ok(answer) = read_response(&closed, false) {
        refusals.answer("a body that is cut off", &answer, 400, "body-cut-off");
    }
    let mut gone = client.connect().expect("the server accepts");
    gone.write_all(&[head.as_bytes(), half].concat())
        .expect("half is taken");
    drop(gone);
    refusals.end();
}

#[test]
fn places_held_by_bodies_that_stop_are_given_back() {
    let refusals = Refusals::start_with(&[
        ("IMGSHARE_HTTP_BODY_STALL_SECONDS_MAX", "1"),
        ("IMGSHARE_PIPELINE_IMAGES_IN_FLIGHT_MAX", "2"),
    ]);
    let client = refusals.server.client();
    let head = client.request_head(
        "POST",
        UPLOADS,
        &[("Content-Type", &multipart::content_type())],
    ) + "Content-Length: 5000\r\n\r\n";
    let held = [(); 2].map(|()| {
        let mut stream = client.connect().expect("the server accepts");
        stream
            .write_all(head.as_bytes())
            .expect("the head is taken");
        stream
    });
    for stream in &held {
        let answer = read_response(stream, false).expect("an answer");
        refusals.answer("a body that never starts", &answer, 408, "body-timeout");
    }
    refusals.end();
}

#[test]
fn more_than_fits_is_refused_at_once_and_told_when_to_return() {
    let refusals = Refusals::start_with(&[("IMGSHARE_PIPELINE_IMAGES_IN_FLIGHT_MAX", "1")]);
    let client = refusals.server.client();
    let body = multipart::body(&[FormPart::file("a.png", &Picture::scene(64, 64, 1).png())]);
    let head = client.request_head(
        "POST",
        UPLOADS,
        &[("Content-Type", &multipart::content_type())],
    ) + &format!("Content-Length: {}\r\n\r\n", body.len());
    // A multipart body is complete at its last boundary, before its last byte.
    let (most, rest) = body.split_at(body.len() - 200);
    let mut first = client.connect().expect("the server accepts");
    first
        .write_all(&[head.as_bytes(), most].concat())
        .expect("all but the end is taken");
    // Those that follow must find it inside, not take its place.
    wait_for("the first upload to be inside", ANSWERS_WITHIN * 5, || {
        let inside = refusals.server.metric("imgshare_pipeline_images_in_flight");
        (inside == Some(1.0)).then_some(())
    });
    wait_for(
        "the first upload to be admitted",
        ANSWERS_WITHIN * 5,
        || {
            let second = client.upload("b.png", &Picture::scene(64, 64, 2).png());
            if second.status != 429 {
                return None;
            }
            second.expect_problem(429, "overloaded");
            let seconds: u64 = second
                .expect_header("retry-after")
                .parse()
                .expect("seconds");
            assert!(seconds >= 1);
            Some(())
        },
    );
    first.write_all(rest).expect("the end is taken");
    let answer = read_response(&first, false).expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.text());
    let _ = client
        .upload("c.png", &Picture::scene(64, 64, 3).png())
        .expect(201);
    refusals.server.stop();
}

#[test]
fn addresses_and_methods_that_do_not_exist() {
    let refusals = Refusals::start();
    let client = refusals.server.client();
    for path in [
        "/api/v1/nothing",
        "/nothing/at/all",
        "/i/../../etc/passwd",
        "/assets/site.js",
    ] {
        refusals.answer(path, &client.get(path), 404, "not-found");
    }
    let put = client.request("PUT", UPLOADS, &[], b"x");
    refusals.answer("PUT", &put, 405, "method-not-allowed");
    refusals.end();
}
