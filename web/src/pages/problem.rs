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
    /// Where to go from here, and what that is called.
    fn way_on(&self) -> (&'static str, &'static str) {
        match self.code {
            "staff-second-factor-missing" => ("/staff/login/second-factor", "Go on logging in"),
            "staff-step-up-needed" => ("/staff/step-up", "Prove it again"),
            code if code.starts_with("staff-") => ("/staff", "Go to the staff's pages"),
            _ => ("/", "Go to the upload page"),
        }
    }

    /// Whether the same request may work later.
    fn may_pass(&self) -> bool {
        // Every other limit says itself when it is over.
        self.code == "overloaded" || self.status >= 500
    }
}
