//! The page of an error, for browsers.

use askama::Template;

use super::{Site, render};

/// The page that tells what went wrong and what can be done. `code` is the
/// stable code of the error, the same that the API answers with.
pub fn problem(site: &Site, status: u16, title: &str, detail: &str, code: &str) -> String {
    render(&ProblemPage {
        site,
        return_path: Some("/"),
        status,
        title,
        detail,
        code,
    })
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    status: u16,
    title: &'a str,
    detail: &'a str,
    code: &'a str,
}

impl ProblemPage<'_> {
    /// Whether the same request may work later.
    fn may_pass(&self) -> bool {
        self.status == 429 || self.status >= 500
    }
}
