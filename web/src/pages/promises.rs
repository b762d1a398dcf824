//! The page with the promises.

use askama::Template;

use super::{Site, render, wording};
use crate::promises::proofs::Proofs;
use crate::promises::{Facts, PROMISES, Promise, Standing};

#[derive(Template)]
#[template(path = "policies/promises.html")]
struct PromisesPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    day: &'a str,
    day_words: String,
    commit: &'a str,
    rows: Vec<Row>,
}

struct Row {
    promise: &'static Promise,
    standing: Standing,
    words: String,
    proofs: Vec<&'static str>,
}

/// The promises as a page.
#[must_use]
pub fn page(site: &Site, facts: &Facts<'_>) -> String {
    let proofs = Proofs::recorded();
    let rows = PROMISES.iter().map(|promise| {
        let standing = facts.standing(promise, &proofs);
        Row {
            promise,
            words: standing.words(&proofs),
            standing,
            proofs: proofs.of(promise).collect(),
        }
    });
    render(&PromisesPage {
        site,
        return_path: Some("/promises"),
        day: proofs.day,
        day_words: wording::day(proofs.day),
        commit: proofs.commit,
        rows: rows.collect(),
    })
}
