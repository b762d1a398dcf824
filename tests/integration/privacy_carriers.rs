//! Every place where metadata is known to hide, one upload each (T13): the marker
//! that was in it is nowhere afterwards, in no guise.

use std::path::PathBuf;

use imgshare_tests::carriers::{Carrier, Fate, Kind};
use imgshare_tests::client::Client;
use imgshare_tests::exiftool;
use imgshare_tests::installation::Installation;
use imgshare_tests::response::Response;
use imgshare_tests::search::{Haystack, Search};
use imgshare_tests::server::Server;

#[test]
fn p02_no_carrier_of_a_baseline_jpeg_is_kept() {
    prove(Kind::BaselineJpeg);
}

#[test]
fn p02_no_carrier_of_a_progressive_jpeg_is_kept() {
    prove(Kind::ProgressiveJpeg);
}

#[test]
fn p02_no_carrier_of_a_png_is_kept() {
    prove(Kind::Png);
}

#[test]
fn p02_no_carrier_of_an_animated_png_is_kept() {
    prove(Kind::Apng);
}

#[test]
fn p02_no_carrier_of_a_gif_is_kept() {
    prove(Kind::Gif);
}

#[test]
fn p02_no_carrier_of_an_animated_gif_is_kept() {
    prove(Kind::AnimatedGif);
}

#[test]
fn p02_no_carrier_of_a_lossless_webp_is_kept() {
    prove(Kind::LosslessWebp);
}

#[test]
fn p02_no_carrier_of_a_lossy_webp_is_kept() {
    prove(Kind::LossyWebp);
}

#[test]
fn p02_no_carrier_of_an_animated_webp_is_kept() {
    prove(Kind::AnimatedWebp);
}

#[test]
fn p02_no_carrier_of_an_avif_is_kept() {
    prove(Kind::Avif);
}

#[test]
fn p02_no_carrier_of_an_avif_with_alpha_is_kept() {
    prove(Kind::AvifWithAlpha);
}

/// Uploads one file for every place, and lists every marker that is found.
fn prove(kind: Kind) {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        ("IMGSHARE_LOG_LEVEL", "debug"),
        // What is still pending cannot be looked at.
        ("IMGSHARE_PIPELINE_CLASSIFY_DEADLINE_MS", "60000"),
    ]);
    let carriers = kind.carriers();
    let mut trial = Trial {
        kind,
        scratch: installation.scratch().to_owned(),
        sent: Vec::new(),
        stored: Vec::new(),
        failures: Vec::new(),
    };
    for carrier in &carriers {
        let search = Search::of(&carrier.marker);
        let planted = search.find(&carrier.file);
        assert!(planted.is_some(), "{}: nothing is planted", carrier.name);
        trial.upload(server.client(), carrier, &search);
    }
    let metrics = metrics(&server);
    let mut haystacks = Haystack::of_folder(installation.data());
    let log = server.stop();
    haystacks.extend(Haystack::of_folder(installation.data()));
    haystacks.push(("the metrics".to_owned(), Haystack::of(metrics)));
    haystacks.push(("the log".to_owned(), Haystack::of(log.into_bytes())));
    for carrier in &carriers {
        let search = Search::of(&carrier.marker);
        for (name, haystack) in &haystacks {
            if let Some(how) = search.find_in(haystack) {
                trial.fail(carrier, &format!("{how} in {name}"));
            }
        }
    }
    trial.judge_by_exiftool();
    trial.judge_by_verify(&installation);
    let n_failures = trial.failures.len();
    assert!(
        n_failures == 0,
        "{n_failures} of {} carriers:\n{}",
        carriers.len(),
        trial.failures.join("\n")
    );
}

fn metrics(server: &Server) -> Vec<u8> {
    server.metrics_client().get("/metrics").expect(200).body
}

/// One server's trial.
struct Trial {
    kind: Kind,
    scratch: PathBuf,
    /// The files as they were sent, where a copy that is stored must differ.
    sent: Vec<PathBuf>,
    /// Every image and variant that was served, and whether colours may be
    /// described in it.
    stored: Vec<(PathBuf, bool)>,
    failures: Vec<String>,
}

impl Trial {
    fn fail(&mut self, carrier: &Carrier, what: &str) {
        self.failures.push(format!("{}: {what}", carrier.name));
    }

    fn upload(&mut self, client: Client, carrier: &Carrier, search: &Search) {
        let answer = client.upload("holiday", &carrier.file);
        self.expect_nothing(carrier, search, "the answer", &answer);
        let path = self.write("sent", &carrier.file);
        self.sent.push(path);
        match carrier.fate {
            Fate::Refused(code) => {
                if answer.status != 422 || answer.field("code") != code {
                    self.fail(carrier, &format!("not refused: {}", answer.text()));
                }
            }
            Fate::Stored | Fate::Recoloured => {
                if answer.status == 201 {
                    self.look_at_stored(client, carrier, search, &answer);
                } else {
                    self.fail(carrier, &format!("not stored: {}", answer.text()));
                }
            }
        }
    }

    fn look_at_stored(
        &mut self,
        client: Client,
        carrier: &Carrier,
        search: &Search,
        answer: &Response,
    ) {
        let facts = format!("/api/v1/images/{}", answer.field("id"));
        let viewer = answer.link("url");
        let pages = [facts, viewer.clone(), answer.link("delete_url")];
        for page in pages {
            let page_answer = client.get(&page).expect(200);
            self.expect_nothing(carrier, search, &page, &page_answer);
        }
        let image = client.get(&answer.link("direct_url")).expect(200);
        if carrier.fate == Fate::Stored && !self.shows_the_same(carrier, &image.body) {
            self.fail(carrier, "the pixels are others");
        }
        let mut links = image_links(&client.get(&viewer).text());
        links.extend([answer.link("direct_url"), answer.link("thumbnail_url")]);
        links.sort_unstable();
        links.dedup();
        for link in links {
            let served = client.get_where_it_lies(&link);
            self.expect_nothing(carrier, search, &link, &served);
            if served.status != 200 {
                self.fail(carrier, &format!("{link} answers {}", served.status));
                continue;
            }
            let path = self.write("served", &served.body);
            let may_describe_colours = carrier.fate == Fate::Recoloured;
            self.stored.push((path, may_describe_colours));
        }
    }

    /// A file that the decoder does not take differs from a plain one by nothing
    /// but the carrier.
    fn shows_the_same(&self, carrier: &Carrier, served: &[u8]) -> bool {
        let frames = |file: &[u8]| self.kind.frames(file);
        let sent = frames(&carrier.file).or_else(|| frames(&self.kind.plain()));
        sent.is_some() && sent == frames(served)
    }

    fn expect_nothing(
        &mut self,
        carrier: &Carrier,
        search: &Search,
        what: &str,
        answer: &Response,
    ) {
        if let Some(how) = search.find(&answer.body) {
            self.fail(carrier, &format!("{how} in {what}"));
        }
        for (name, value) in answer.headers() {
            if search.find(value.as_bytes()).is_some() {
                self.fail(carrier, &format!("in {name} of {what}"));
            }
        }
    }

    /// A file of its own for other judges.
    fn write(&self, what: &str, bytes: &[u8]) -> PathBuf {
        let number = self.sent.len() * 100 + self.stored.len();
        let path = self.scratch.join(format!("{what}-{number}"));
        std::fs::write(&path, bytes).expect("scratch is writable");
        path
    }

    fn judge_by_exiftool(&mut self) {
        for may_describe_colours in [false, true] {
            let files: Vec<PathBuf> = self
                .stored
                .iter()
                .filter(|(_, may)| *may == may_describe_colours)
                .map(|(path, _)| path.clone())
                .collect();
            for (path, mut tags) in exiftool::tags_beyond_structure(&files) {
                let describes_colours =
                    |tag: &String| tag.starts_with("ICC") || tag == "PNG:ProfileName";
                tags.retain(|tag| !(may_describe_colours && describes_colours(tag)));
                if !tags.is_empty() {
                    let line = format!("exiftool finds in {}: {tags:?}", path.display());
                    self.failures.push(line);
                }
            }
        }
    }

    /// `imgshare verify` finds every stored file clean and no sent one.
    fn judge_by_verify(&mut self, installation: &Installation) {
        let stored = self.stored.iter().map(|(path, _)| path.clone()).collect();
        for (files, clean) in [(stored, true), (self.sent.clone(), false)] {
            let names: Vec<String> = files
                .iter()
                .map(|path: &PathBuf| path.to_string_lossy().into_owned())
                .collect();
            let mut arguments = vec!["verify", "--json"];
            arguments.extend(names.iter().map(String::as_str));
            let finished = installation.run(&arguments);
            assert_eq!(finished.status.code(), Some(i32::from(!clean)));
            for line in finished.stdout.lines() {
                let judged: serde_json::Value = serde_json::from_str(line).expect("JSON");
                if judged["clean"] != clean {
                    self.failures.push(format!("verify says {line}"));
                }
            }
        }
    }
}

/// The paths of images that a page names, in markup or in texts to copy.
fn image_links(page: &str) -> Vec<String> {
    let is_of_a_path = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    page.match_indices("/i/")
        .map(|(start, _)| {
            let rest = &page[start..];
            let end = rest.find(|letter| !is_of_a_path(letter));
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .filter(|link| link.contains('.'))
        .collect()
}
