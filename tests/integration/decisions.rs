//! kill -9 while two moderators decide as fast as they can: what was acknowledged
//! stands, nothing is decided twice, and the audit is whole.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::random::Random;
use imgshare_tests::staff::Staff;
use serde_json::{Value, json};

const ROUNDS: u64 = 8;
const IMAGES: u64 = 320;

/// Jobs claimed together, so that a kill meets claimed ones too.
const CLAIMED: u64 = 3;

/// Long enough for a round's decisions on a slow, busy machine.
const ROUND_WITHIN: Duration = Duration::from_secs(60);

/// Everything that passes is queued.
const QUEUE_ALL: [(&str, &str); 1] = [("IMGSHARE_MODERATION_SAMPLE_RATE", "1")];

const LOGINS: [&str; 2] = ["anna-login", "bert-login"];
const VERDICTS: [&str; 2] = ["safe", "nsfw"];

/// A decision that the service said yes to.
struct Acknowledged {
    image: String,
    by: usize,
    verdict: &'static str,
}

#[test]
fn no_decision_is_lost_or_doubled_by_kills() {
    let installation = Installation::new();
    let links = [(); 2].map(|()| {
        let invited = installation.run(&["admin", "invite", "--role", "moderator"]);
        invited.expect_success().stdout
    });
    let server = installation.serve_with(&QUEUE_ALL);
    for seed in 0..IMAGES {
        let file = Picture::scene(24, 16, seed).png();
        let _ = server.client().upload("a.png", &file).expect(201);
    }
    let staff = [0, 1].map(|nth| {
        let (link, login) = (&links[nth], LOGINS[nth]);
        Staff::join(server.client(), link, login)
    });
    server.kill();

    let mut random = Random::seeded(9);
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for _ in 0..ROUNDS {
        let server = installation.serve_with(&QUEUE_ALL);
        let (taken, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let target = usize::try_from(1 + random.below(25)).expect("a small number");
        std::thread::scope(|scope| {
            for (by, staff) in staff.iter().enumerate() {
                let staff = staff.at(server.client());
                let (taken, is_over) = (&taken, &is_over);
                scope.spawn(move || decide_until_over(&staff, by, taken, is_over));
            }
            wait_for("acknowledged decisions", ROUND_WITHIN, || {
                let n_taken = taken.lock().expect("no moderator panics").len();
                (n_taken >= target).then_some(())
            });
            server.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        acknowledged.extend(taken.into_inner().expect("no moderator panics"));
    }

    let verified = installation.run(&["audit", "verify"]).expect_success();
    assert!(verified.stdout.starts_with("whole"), "{}", verified.stdout);
    let names = LOGINS.map(|login| name_of(&installation, login));
    let decided = decisions(&installation);
    for (image, entries) in &decided {
        assert_eq!(entries.len(), 1, "{image} was decided twice: {entries:?}");
    }
    let mut seen = HashMap::new();
    for Acknowledged { image, by, verdict } in &acknowledged {
        let expected = (names[*by].clone(), format!("image-marked-{verdict}"));
        assert_eq!(decided.get(image), Some(&vec![expected]), "{image}");
        assert_eq!(
            seen.insert(image, by),
            None,
            "{image} was acknowledged twice"
        );
    }
    // The store agrees with its audit.
    let server = installation.serve_with(&QUEUE_ALL);
    let ann = staff[0].at(server.client());
    for Acknowledged { image, verdict, .. } in &acknowledged {
        let path = format!("/staff/api/queue/{image}");
        let job = ann.get(&path).expect(200).json();
        assert_eq!(job["decision"]["verdict"]["kind"], *verdict, "{job}");
    }
    println!(
        "{} acknowledged decisions stand after {ROUNDS} kills, {} in the audit",
        acknowledged.len(),
        decided.len()
    );
}

fn decide_until_over(
    staff: &Staff,
    by: usize,
    taken: &Mutex<Vec<Acknowledged>>,
    is_over: &AtomicBool,
) {
    let claim = json!({"limit": CLAIMED});
    while !is_over.load(Ordering::Relaxed) {
        // The server may be killed at any byte of this.
        let Ok(claimed) = staff.try_call("POST", "/staff/api/queue/claim", &claim) else {
            continue;
        };
        let jobs = claimed.expect(200).json()["jobs"].clone();
        for (nth, job) in jobs.as_array().expect("a list").iter().enumerate() {
            let verdict = VERDICTS[(nth + by) % 2];
            let image = job["image"].as_str().expect("an id").to_owned();
            let decision = json!({
                "lease": job["lease"]["token"],
                "version": job["version"],
                "verdict": {"kind": verdict},
            });
            let path = format!("/staff/api/queue/{image}/decide");
            let Ok(decided) = staff.try_call("POST", &path, &decision) else {
                continue;
            };
            assert_eq!(decided.status, 200, "{}", decided.text());
            let mut taken = taken.lock().expect("no moderator panics");
            taken.push(Acknowledged { image, by, verdict });
        }
    }
}

/// The pseudonym of a login name.
fn name_of(installation: &Installation, login: &str) -> String {
    let listed = installation.run(&["admin", "list"]).expect_success().stdout;
    let line = listed.lines().find(|line| line.contains(login));
    let name = line.and_then(|line| line.split_whitespace().next());
    name.expect("everybody is listed").to_owned()
}

/// Who decided what, by image, as the audit tells it.
fn decisions(installation: &Installation) -> HashMap<String, Vec<(String, String)>> {
    let exported = installation.run(&["audit", "export"]).expect_success();
    let mut decided: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for line in exported.stdout.lines() {
        let entry: Value = serde_json::from_str(line).expect("a line of JSON");
        let entry = &entry["entry"];
        let action = entry["action"].as_str().unwrap_or_default();
        if action.starts_with("image-marked-") {
            let subject = entry["subject"].as_str().expect("a subject");
            let image = subject.strip_prefix("image:").expect("an image");
            let by = entry["actor"]["id"].as_str().expect("a moderator");
            let told = (by.to_owned(), action.to_owned());
            decided.entry(image.to_owned()).or_default().push(told);
        }
    }
    decided
}
