//! SIGTERM: what was taken in is answered, nothing new is, and the end is a success.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::multipart::{self, FormPart};
use imgshare_tests::picture::Picture;
use imgshare_tests::response::read_response;
use imgshare_tests::server::Server;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn uploads_in_flight_are_answered_before_the_end() {
    let installation = Installation::new();
    // However busy the machine is, a sender who waits is not given up.
    let mut server = installation.serve_with(&[("IMGSHARE_HTTP_BODY_STALL_SECONDS_MAX", "120")]);
    // Each lacks its end, so that all are inside at the signal.
    let in_flight: Vec<(TcpStream, Vec<u8>)> =
        (1..=4).map(|seed| begin_upload(&server, seed)).collect();
    wait_for("four admitted uploads", SOON, || {
        (server.metric("imgshare_pipeline_images_in_flight") == Some(4.0)).then_some(())
    });
    server.terminate();
    let client = server.client();
    wait_for("a server that takes no more", SOON, || {
        client.connect().is_err().then_some(())
    });

    let mut acknowledged = Vec::new();
    for (mut stream, end) in in_flight {
        stream
            .write_all(&end)
            .expect("a server that drains still reads");
        let answer = read_response(&stream, false).expect("every upload inside is answered");
        assert_eq!(answer.status, 201, "{}", answer.text());
        acknowledged.push(answer);
    }
    let status = server.wait_for_exit();
    assert!(
        status.success(),
        "the server ended with {status}:\n{}",
        server.log()
    );

    let server = installation.serve();
    for answer in acknowledged {
        let _ = server.client().get(&answer.link("direct_url")).expect(200);
    }
    server.stop();
}

/// All of an upload but its end: a multipart body is complete at its last
/// boundary, before its last byte.
fn begin_upload(server: &Server, seed: u64) -> (TcpStream, Vec<u8>) {
    const END_BYTES: usize = 200;
    let mut body = multipart::body(&[FormPart::file(
        "a.png",
        &Picture::scene(200, 150, seed).png(),
    )]);
    let client = server.client();
    let head = client.request_head(
        "POST",
        "/api/v1/images",
        &[("Content-Type", &multipart::content_type())],
    ) + &format!("Content-Length: {}\r\n\r\n", body.len());
    let end = body.split_off(body.len() - END_BYTES);
    let mut stream = client.connect().expect("the server accepts");
    stream
        .write_all(&[head.as_bytes(), &body].concat())
        .expect("all but the end is taken");
    (stream, end)
}

#[test]
fn an_idle_server_ends_at_once() {
    let installation = Installation::new();
    let server = installation.serve();
    // An idle connection must not hold up the end.
    let _idle = server.client().connect().expect("the server accepts");
    let log = server.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused_by_name() {
    let installation = Installation::new();
    let server = installation.serve();
    let mut second = Server::spawn(installation.data(), &[]);
    let status = second.wait_for_exit();
    assert!(!status.success());
    let log = second.log();
    assert!(log.contains("another") || log.contains("in use"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    let _ = server.client().get("/readyz").expect(200);
}
