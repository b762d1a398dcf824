//! The upload page.

use askama::Template;

use super::{Site, render, share};

/// The page that takes images.
pub fn home(site: &Site) -> String {
    render(&HomePage {
        site,
        return_path: Some("/"),
        snippets: share::blank_snippets(),
    })
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    snippets: Vec<share::Snippet>,
}
