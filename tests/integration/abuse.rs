//! Limits, blocks and what is noticed, under load from many addresses.

use std::net::TcpStream;
use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::multipart::{self, FormPart};
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use imgshare_tests::server::Server;
use imgshare_tests::staff::Staff;

/// The proxy in front is this machine.
const PROXIED: (&str, &str) = ("IMGSHARE_HTTP_TRUSTED_PROXIES", "127.0.0.1");

fn get(client: Client, from: &str, path: &str) -> Response {
    client.get_with(path, &[("X-Forwarded-For", from)])
}

fn upload(client: Client, from: &str, file: &[u8]) -> Response {
    let body = multipart::body(&[FormPart::file("a.png", file)]);
    let form = multipart::content_type();
    let headers = [("Content-Type", form.as_str()), ("X-Forwarded-For", from)];
    client.request("POST", "/api/v1/images", &headers, &body)
}

fn assert_limited(answer: &Response) {
    answer.expect_problem(429, "too-many-requests");
    let wait: u64 = answer
        .expect_header("retry-after")
        .parse()
        .expect("it is a number");
    assert!((1..=60).contains(&wait), "{wait}");
}

fn admin(installation: &Installation, server: &Server) -> Staff {
    let invited = installation.run(&["admin", "invite", "--role", "admin"]);
    Staff::join(server.client(), &invited.expect_success().stdout, "boss")
}

#[test]
fn p08_uploads_are_limited_by_address_and_network() {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        PROXIED,
        ("IMGSHARE_ABUSE_UPLOADS_BURST", "2"),
        ("IMGSHARE_ABUSE_UPLOADS_PER_MINUTE", "1"),
        ("IMGSHARE_ABUSE_NETWORK_FACTOR", "3"),
        ("IMGSHARE_ABUSE_SAME_IMAGE_MAX", "0"),
    ]);
    let client = server.client();
    let file = Picture::scene(30, 30, 1).png();
    for host in 1..=3 {
        let from = format!("203.0.113.{host}");
        for _ in 0..2 {
            let _ = upload(client, &from, &file).expect(201);
        }
        assert_limited(&upload(client, &from, &file));
        // What is no upload goes on.
        let _ = get(client, &from, "/").expect(200);
    }
    // Six are what the network may have; another one is not touched.
    assert_limited(&upload(client, "203.0.113.4", &file));
    let _ = upload(client, "203.0.114.4", &file).expect(201);
    let _ = upload(client, "2001:db8:1:2::1", &file).expect(201);
    let _ = upload(client, "2001:db8:1:2::2", &file).expect(201);
    assert_limited(&upload(client, "2001:db8:1:2:ffff::3", &file));
    // An address that a client makes up in front of its own is not believed.
    assert_limited(&upload(client, "198.51.100.1, 203.0.113.1", &file));
    let refused = "imgshare_refused_clients_total{why=\"limit\"}";
    assert_eq!(server.metric(refused), Some(6.0));
    // Browsers are told on a page.
    let headers = [("X-Forwarded-For", "203.0.113.1"), ("Accept", "text/html")];
    let page = client
        .request("POST", "/upload", &headers, b"x")
        .expect(429);
    assert!(page.text().contains("<html"), "{}", page.text());
    server.stop();
    let found = data_dir::files_containing(installation.data(), "203.0.113.1");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn p08_requests_from_many_addresses_are_each_held_to_their_share() {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        ("IMGSHARE_ABUSE_REQUESTS_BURST", "20"),
        ("IMGSHARE_ABUSE_REQUESTS_PER_MINUTE", "1"),
        ("IMGSHARE_ABUSE_NETWORK_FACTOR", "1000"),
        PROXIED,
    ]);
    let client = server.client();
    let n_threads = 4;
    let counted: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let load = |thread: usize| {
            move || {
                let (mut n_served, mut n_limited) = (0, 0);
                for request in 0..25 {
                    for host in 0..20 {
                        let from = format!("198.51.{}.{host}", 100 + thread);
                        let answer = get(client, &from, "/api/v1/images/3kTMd8vXqz2P");
                        match answer.status {
                            404 => n_served += 1,
                            429 => n_limited += 1,
                            status => panic!("{status} for request {request}"),
                        }
                    }
                }
                (n_served, n_limited)
            }
        };
        let loads: Vec<_> = (0..n_threads)
            .map(|thread| scope.spawn(load(thread)))
            .collect();
        loads
            .into_iter()
            .map(|load| load.join().expect("no panic"))
            .collect()
    });
    for (n_served, n_limited) in counted {
        // A token comes back each minute.
        assert!((400..=420).contains(&n_served), "{n_served}");
        assert_eq!(n_served + n_limited, 500);
    }
    // Assets and probes are not counted.
    for _ in 0..30 {
        let _ = get(client, "198.51.100.1", "/healthz").expect(200);
    }
    // Nor is this machine itself.
    for _ in 0..30 {
        let _ = client.get("/").expect(200);
    }
    server.stop();
}

#[test]
fn p08_an_operator_blocks_and_unblocks_a_network() {
    let installation = Installation::new();
    let server = installation.serve_with(&[PROXIED]);
    let client = server.client();
    let uploaded = upload(client, "203.0.113.7", &Picture::scene(30, 30, 2).png()).expect(201);
    let (path, token) = (uploaded.link("direct_url"), uploaded.field("delete_token"));
    let _ = get(client, "203.0.113.7", &path).expect(200);
    let run = |arguments: &[&str]| {
        let all = [&["block"], arguments].concat();
        installation.run(&all)
    };
    let add = ["add", "203.0.113.7", "--days", "2", "--reason", "spam"];
    let _ = run(&add).expect_success();
    get(client, "203.0.113.7", &path).expect_problem(403, "network-blocked");
    upload(client, "203.0.113.7", b"x").expect_problem(403, "network-blocked");
    let _ = get(client, "203.0.113.8", &path).expect(200);
    let listed = run(&["list"]).expect_success().stdout;
    assert!(
        listed.contains("203.0.113.7/32") && listed.contains("spam"),
        "{listed}"
    );
    let _ = run(&["add", "nowhere"]).expect_refusal();
    for (own, setting) in [
        ("127.0.0.1", "http.trusted_proxies"),
        ("::1", "abuse.exempt"),
    ] {
        let refused = run(&["add", own]).expect_refusal().stderr;
        assert!(refused.contains(setting), "{refused}");
    }
    let _ = run(&["add", "203.0.113.7", "--days", "91"]).expect_refusal();
    // The audit's files name the network alone.
    let audit = installation.data().join("audit");
    assert!(data_dir::files_containing(&audit, "203.0.113.7").is_empty());
    assert_eq!(
        data_dir::files_containing(&audit, "203.0.113.0/24").len(),
        1
    );
    // Deleting one's own is a right.
    let bearer = format!("Bearer {token}");
    let headers = [
        ("X-Forwarded-For", "203.0.113.7"),
        ("Authorization", &bearer),
    ];
    let api = format!("/api/v1/images/{}", uploaded.field("id"));
    let _ = client.request("DELETE", &api, &headers, &[]).expect(204);
    server.stop();
    // A block outlives the service; without one it is lifted all the same.
    let server = installation.serve_with(&[PROXIED]);
    let client = server.client();
    get(client, "203.0.113.7", "/3kTMd8vXqz2P").expect_problem(403, "network-blocked");
    server.stop();
    let _ = run(&["remove", "203.0.113.7"]).expect_success();
    let listed = run(&["list"]).expect_success().stdout;
    assert!(listed.contains("nobody is blocked"), "{listed}");
}

#[test]
fn p19_who_guesses_ids_is_slowed_down_and_staff_are_told() {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        PROXIED,
        ("IMGSHARE_ABUSE_MISSING_IMAGES_MAX", "10"),
        ("IMGSHARE_ABUSE_REQUESTS_BURST", "60"),
        ("IMGSHARE_ABUSE_REQUESTS_PER_MINUTE", "1"),
    ]);
    let client = server.client();
    let n_served = (0..60)
        .take_while(|_| get(client, "203.0.113.9", "/i/3kTMd8vXqz2P.jpg").status == 404)
        .count();
    // Eleven are paid for once, the rest four times.
    assert_eq!(n_served, 11 + 49 / 4);
    let noticed = "imgshare_abuse_patterns_total{pattern=\"guessing\"}";
    assert!(server.metric(noticed) > Some(0.0));
    assert_eq!(server.metric("imgshare_abuse_alerts"), Some(1.0));
    let staff = admin(&installation, &server);
    let page = staff.get("/staff/blocks").expect(200).text();
    assert!(
        page.contains("203.0.113.0/24") && !page.contains("203.0.113.9"),
        "{page}"
    );
    assert!(staff.get("/staff").expect(200).text().contains("Abuse (1)"));
    let form = "act=block&network=203.0.113.0/24&days=3&reason=guessing";
    let _ = staff.post("/staff/blocks", form).expect(303);
    get(client, "203.0.113.77", "/3kTMd8vXqz2P").expect_problem(403, "network-blocked");
    let page = staff.get("/staff/blocks").expect(200).text();
    assert!(
        page.contains("guessing") && page.contains("value=\"lift\""),
        "{page}"
    );
    let wide = staff.post(
        "/staff/blocks",
        "act=block&network=0.0.0.0/0&days=3&reason=x",
    );
    assert_eq!(wide.status, 422);
    let _ = staff
        .post("/staff/blocks", "act=lift&network=203.0.113.0/24")
        .expect(303);
    let answer = get(client, "203.0.113.77", "/3kTMd8vXqz2P");
    assert_eq!(answer.status, 404);
    server.stop();
}

#[test]
fn p19_one_image_uploaded_again_and_again_is_noticed() {
    let installation = Installation::new();
    let server = installation.serve_with(&[PROXIED, ("IMGSHARE_ABUSE_SAME_IMAGE_MAX", "3")]);
    let file = Picture::scene(30, 30, 5).png();
    for host in 1..=4 {
        let from = format!("198.51.{host}.1");
        let _ = upload(server.client(), &from, &file).expect(201);
    }
    let noticed = "imgshare_abuse_patterns_total{pattern=\"same-image\"}";
    assert_eq!(server.metric(noticed), Some(1.0));
    server.stop();
}

/// Connections of its own for each request are the tests' way, so that a client
/// that is refused cannot hold one.
#[test]
fn p08_a_refused_client_holds_no_connection() {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        PROXIED,
        ("IMGSHARE_HTTP_CONNECTIONS_MAX", "8"),
        ("IMGSHARE_ABUSE_REQUESTS_BURST", "1"),
        ("IMGSHARE_ABUSE_REQUESTS_PER_MINUTE", "1"),
    ]);
    let client = server.client();
    let _ = get(client, "203.0.113.9", "/").expect(200);
    let asked = std::time::Instant::now();
    for _ in 0..50 {
        assert_limited(&get(client, "203.0.113.9", "/"));
    }
    assert!(asked.elapsed() < Duration::from_secs(20));
    let _: TcpStream = client.connect().expect("there is room");
    server.stop();
}
