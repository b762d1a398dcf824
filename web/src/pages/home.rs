//! The upload page.

use askama::Template;

use super::{Site, render, share, wording};
use crate::policies::{Notice, NoticeItem};

/// The page that takes images, with changes of the documents that the visitor
/// has not seen.
pub fn home(site: &Site, notice: Option<&Notice>) -> String {
    render(&HomePage {
        site,
        notice,
        return_path: Some("/"),
        snippets: share::blank_snippets(),
    })
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    site: &'a Site,
    notice: Option<&'a Notice>,
    return_path: Option<&'a str>,
    snippets: Vec<share::Snippet>,
}

impl NoticeItem {
    fn effective_on(&self) -> String {
        wording::day(&self.effective)
    }
}
