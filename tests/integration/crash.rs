//! kill -9 under load, again and again over the same data: what was
//! acknowledged is served afterwards, whole, and every start goes by itself.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::random::Random;
use imgshare_tests::response::Response;

const ROUNDS: u64 = 20;
const UPLOADERS: u64 = 4;

/// Long enough for a round's uploads on a slow, busy machine.
const ROUND_WITHIN: Duration = Duration::from_secs(60);

struct Acknowledged {
    answer: Response,
    picture: Picture,
}

#[test]
fn nothing_acknowledged_is_lost_to_twenty_kills() {
    let installation = Installation::new();
    let mut random = Random::seeded(2);
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for round in 0..ROUNDS {
        let server = installation.serve();
        let left = data_dir::files(&installation.data().join("tmp"));
        assert!(left.is_empty(), "round {round} starts with {left:?}");
        // The newest each time, all of them at the end.
        check(server.client(), acknowledged.iter().rev().take(20));

        let taken = Mutex::new(Vec::new());
        let target = 1 + random.below(12);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for uploader in 0..UPLOADERS {
                let (client, taken, is_over) = (server.client(), &taken, &is_over);
                let seed = (round * UPLOADERS + uploader) << 32;
                scope.spawn(move || upload_until_over(client, seed, taken, is_over));
            }
            wait_for("acknowledged uploads", ROUND_WITHIN, || {
                let n_taken = taken.lock().expect("no uploader panics").len();
                (n_taken >= usize::try_from(target).expect("a small number")).then_some(())
            });
            server.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        acknowledged.extend(taken.into_inner().expect("no uploader panics"));
    }

    let server = installation.serve();
    check(server.client(), acknowledged.iter());
    server.stop();
    println!(
        "{} acknowledged uploads survived {ROUNDS} kills",
        acknowledged.len()
    );
}

fn upload_until_over(
    client: Client,
    first_seed: u64,
    taken: &Mutex<Vec<Acknowledged>>,
    is_over: &AtomicBool,
) {
    for seed in first_seed.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let picture = Picture::scene(48, 32, seed);
        let form = imgshare_tests::multipart::body(&[imgshare_tests::multipart::FormPart::file(
            "a.png",
            &picture.png(),
        )]);
        let content_type = imgshare_tests::multipart::content_type();
        let headers = [("Content-Type", content_type.as_str())];
        // The server may be killed at any byte of this.
        let Ok(answer) = client.try_request("POST", "/api/v1/images", &headers, &form) else {
            continue;
        };
        assert!([201, 202].contains(&answer.status), "{}", answer.text());
        taken
            .lock()
            .expect("no uploader panics")
            .push(Acknowledged { answer, picture });
    }
}

fn check<'a>(client: Client, acknowledged: impl Iterator<Item = &'a Acknowledged>) {
    for Acknowledged { answer, picture } in acknowledged {
        let facts = client
            .get(&format!("/api/v1/images/{}", answer.field("id")))
            .expect(200)
            .json();
        let promised = answer.json();
        for fact in ["id", "mime", "bytes", "width", "height"] {
            assert_eq!(facts[fact], promised[fact], "{fact} of {promised}");
        }
        if answer.status == 201 {
            for fact in ["state", "label", "confidence", "scores"] {
                assert_eq!(facts[fact], promised[fact], "{fact} of {promised}");
            }
        }
        if facts["state"] == "public" {
            let served = client.get(&answer.link("direct_url")).expect(200).body;
            assert_eq!(promised["bytes"], served.len());
            assert_eq!(pixels(&served), picture.rgb, "{promised}");
        }
    }
}

fn pixels(file: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
    reader.next_frame(&mut pixels).expect("a whole PNG");
    pixels
}
