//! Copies in a cache in front are purged when an image is not public any more,
//! whoever ended that, and whatever happens meanwhile (P21).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use imgshare_storage::moderation::Policy;
use imgshare_tests::cdn::Cdn;
use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use imgshare_tests::server::Server;
use serde_json::{Value, json};

use crate::reports::{decide, post_json};

const TOKEN: &str = "zebra-crossing-73";

/// A purge is sent within a second; the machine may be busy.
const PURGED_WITHIN: Duration = Duration::from_secs(60);

/// The sums over the cache and the API beside it, which have one address.
fn n_pending(server: &Server, cdn: &Cdn) -> Option<f64> {
    let at = |nth: &str| {
        let target = format!("{}{nth}", cdn.address());
        server.metric(&format!(
            "imgshare_cdn_purges_pending{{target=\"{target}\"}}"
        ))
    };
    Some(at("")? + at(" (2)")?)
}

fn is_unanswered(server: &Server, cdn: &Cdn) -> bool {
    let labels = format!("target=\"{}\",outcome=\"unanswered\"", cdn.address());
    let sample = format!("imgshare_cdn_purges_total{{{labels}}}");
    server.metric(&sample).is_some_and(|n_tried| n_tried > 0.0)
}

/// Settings of a cache that is told each address, and of an API beside it.
fn settings(installation: &Installation, cdn: &Cdn) -> PathBuf {
    let folder = installation.scratch();
    let token_file = folder.join("token");
    fs::write(&token_file, format!("{TOKEN}\n")).expect("a file can be written");
    let (address, token_file) = (cdn.address(), token_file.display());
    let text = format!(
        r#"
        base_url = "http://img.example"

        [cdn]
        again_seconds = 0

        [[cdn.purge]]
        address = "http://{address}{{path}}"

        [[cdn.purge]]
        method = "POST"
        address = "http://{address}/zones/7/purge_cache"
        body = '{{"files":{{urls}}}}'
        header = "Authorization: Bearer {{token}}"
        token_file = "{token_file}"
        "#
    );
    let path = folder.join("settings.toml");
    fs::write(&path, text).expect("a file can be written");
    path
}

fn serve(installation: &Installation, settings: &Path) -> Server {
    let settings = settings.to_str().expect("a plain path");
    installation.serve_with(&[("IMGSHARE_CONFIG", settings)])
}

fn upload(client: &Client, seed: u64) -> Response {
    let file = Picture::scene(64, 64, seed).png();
    client.upload("a.png", &file).expect(201)
}

/// Whether the cache was told of every address of an image, and the API once of all.
fn is_purged(cdn: &Cdn, uploaded: &Response) -> bool {
    let id = uploaded.field("id");
    let (direct, thumbnail) = (uploaded.link("direct_url"), uploaded.link("thumbnail_url"));
    let page = format!("/{id}");
    let mut paths = [direct.as_str(), &thumbnail, &page].into_iter();
    let is_told = paths.all(|path| cdn.was_told("PURGE", path));
    let url = format!("http://img.example{direct}");
    is_told
        && cdn.told().iter().any(|told| {
            let body: Value = serde_json::from_str(&told.body).unwrap_or_default();
            let files = body["files"].as_array();
            told.method == "POST" && files.is_some_and(|files| files.contains(&json!(url)))
        })
}

fn wait_until_purged(server: &Server, cdn: &Cdn, uploaded: &Response) {
    wait_for("purges", PURGED_WITHIN, || {
        is_purged(cdn, uploaded).then_some(())
    });
    wait_for("nothing that waits", PURGED_WITHIN, || {
        (n_pending(server, cdn) == Some(0.0)).then_some(())
    });
}

#[test]
fn p21_what_is_no_longer_public_is_purged_over_outages_and_kills() {
    let (installation, cdn) = (Installation::new(), Cdn::start());
    let settings = settings(&installation, &cdn);
    let server = serve(&installation, &settings);
    let client = server.client();
    let [deleted, reported, late, removed, kept] = [1, 2, 3, 4, 5].map(|nth| upload(&client, nth));
    let delete = |client: Client, uploaded: &Response| {
        let token = uploaded.field("delete_token");
        let _ = client
            .delete(&uploaded.field("id"), Some(&token))
            .expect(204);
    };
    delete(client, &deleted);
    wait_until_purged(&server, &cdn, &deleted);

    let path = format!("/api/v1/images/{}/reports", reported.field("id"));
    let report = json!({"category": "child-abuse", "text": "look"});
    let _ = post_json(&client, &path, None, &report).expect(201);
    wait_until_purged(&server, &cdn, &reported);

    // The cache is away; nothing is lost with the process.
    cdn.go_away(true);
    delete(client, &late);
    wait_for("a purge that fails", PURGED_WITHIN, || {
        // The answer to the last purge may have been lost with the cache.
        let waits = n_pending(&server, &cdn).is_some_and(|n_images| n_images >= 2.0);
        (is_unanswered(&server, &cdn) && waits).then_some(())
    });
    let mut log = server.log();
    server.kill();
    assert!(!is_purged(&cdn, &late));
    cdn.go_away(false);
    let server = serve(&installation, &settings);
    wait_until_purged(&server, &cdn, &late);
    log.push_str(&server.stop());

    // A moderator's hand, while no service runs and nobody says that there is a CDN.
    decide(
        installation.data(),
        &[&removed.field("id")],
        Policy::Violence,
    );
    let server = serve(&installation, &settings);
    wait_until_purged(&server, &cdn, &removed);
    log.push_str(&server.stop());

    assert!(!is_purged(&cdn, &kept));
    for told in cdn.told() {
        let (host, secret) = (told.header("host"), told.header("authorization"));
        if told.method == "PURGE" {
            assert_eq!((host, secret), (Some("img.example"), None));
        } else {
            let bearer = format!("Bearer {TOKEN}");
            assert_eq!(told.path, "/zones/7/purge_cache");
            assert_eq!(host, Some(cdn.address().to_string().as_str()));
            assert_eq!(secret, Some(bearer.as_str()));
        }
    }
    assert!(log.contains("copies in the CDN are purged later"), "{log}");
    let settings = settings.to_str().expect("a plain path");
    let config = installation.run_with(&["config"], &[("IMGSHARE_CONFIG", settings)]);
    log.push_str(&config.expect_success().stdout);
    assert!(!log.contains(TOKEN), "{log}");
    let named = data_dir::files_containing(installation.data(), TOKEN);
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn p21_what_cannot_purge_does_not_start() {
    let installation = Installation::without_weights();
    let path = installation.scratch().join("settings.toml");
    let refused = |text: &str| {
        fs::write(&path, text).expect("a file can be written");
        let path = path.to_str().expect("a plain path");
        let ended = installation.run_with(&["serve"], &[("IMGSHARE_CONFIG", path)]);
        assert!(!ended.status.success(), "{text}");
        ended.stderr
    };
    let said = refused("[[cdn.purge]]\naddress = \"{url}\"\n");
    assert!(said.contains("base_url"), "{said}");
    let said = refused(
        "base_url = \"http://img.example\"\nlisten = \"127.0.0.1:0\"\n\
         http.metrics_listen = \"off\"\n[[cdn.purge]]\naddress = \"http://127.0.0.1:9{path}\"\n\
         header = \"X-Key: {token}\"\ntoken_file = \"/nowhere/token\"\n",
    );
    assert!(said.contains("/nowhere/token"), "{said}");
}
