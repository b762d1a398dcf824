//! The pages that ask before they delete, and say that it is done.

use askama::Template;

use super::{Site, render};

/// The page behind a deletion link. Opening it changes nothing; its form sends
/// the token to the same path. `problem` says why a former try failed.
pub fn confirm_delete(site: &Site, id: &str, problem: Option<&str>) -> String {
    let path = format!("/d/{id}");
    render(&ConfirmDeletePage {
        site,
        return_path: Some(&path),
        id,
        problem,
    })
}

/// The page after an image was deleted.
pub fn deleted(site: &Site) -> String {
    render(&DeletedPage {
        site,
        return_path: Some("/"),
    })
}

#[derive(Template)]
#[template(path = "confirm_delete.html")]
struct ConfirmDeletePage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    id: &'a str,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "deleted.html")]
struct DeletedPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
}
