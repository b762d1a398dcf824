//! The page with everything that is kept.

use askama::Template;

use super::{Site, render};
use crate::data_map::public::{Chapter, chapters};

#[derive(Template)]
#[template(path = "policies/data_map.html")]
struct DataMapPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    chapters: Vec<Chapter>,
}

/// The data map as a page.
#[must_use]
pub fn page(site: &Site) -> String {
    render(&DataMapPage {
        site,
        return_path: Some("/privacy/data"),
        chapters: chapters(),
    })
}
