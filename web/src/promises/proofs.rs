//! The record of the last run in which every proof passed.

use super::Promise;

/// Written by `tests/record-proofs`: a line with the day and the commit, then a
/// line for each test.
const RECORD: &str = include_str!("proofs.txt");

/// What is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proofs<'a> {
    /// The day of the run, as YYYY-MM-DD.
    pub day: &'a str,
    /// The commit that was tested.
    pub commit: &'a str,
    /// Names of the tests, sorted.
    pub tests: Vec<&'a str>,
}

impl Proofs<'static> {
    /// The record that is built in.
    #[must_use]
    pub fn recorded() -> Self {
        Self::read(RECORD).unwrap_or(Self {
            day: "never",
            commit: "",
            tests: Vec::new(),
        })
    }
}

impl<'a> Proofs<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let (day, commit) = lines.next()?.split_once(' ')?;
        Some(Self {
            day,
            commit,
            tests: lines.filter(|line| !line.is_empty()).collect(),
        })
    }

    /// The tests that prove a promise.
    pub fn of(&self, promise: &Promise) -> impl Iterator<Item = &'a str> {
        let prefixes = promise.proof_prefixes();
        let tests = self.tests.iter().copied();
        tests.filter(move |name| prefixes.iter().any(|prefix| proves(name, prefix)))
    }
}

/// Whether a test of this name proves a promise: by the beginning of its name, or
/// of what follows, as in `p12_p23_...`.
fn proves(name: &str, prefix: &str) -> bool {
    let own = name.rsplit("::").next().unwrap_or(name);
    let mut rest = own;
    loop {
        if rest.starts_with(prefix) {
            return true;
        }
        match rest.split_once('_') {
            Some((number, behind)) if is_number(number) => rest = behind,
            _ => return false,
        }
    }
}

fn is_number(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next() == Some('p') && chars.next().is_some_and(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_proves_every_promise_that_its_name_begins_with() {
        let text = "# head\n2026-11-26 abc\nweb::p12_p23_named\nstorage::p13a_idle\np13_year\n";
        let proofs = Proofs::read(text).unwrap();
        assert_eq!((proofs.day, proofs.commit), ("2026-11-26", "abc"));
        assert_eq!(proofs.tests.len(), 3);
        assert!(proves("web::p12_p23_named", "p12_") && proves("web::p12_p23_named", "p23_"));
        assert!(proves("storage::p13a_idle", "p13a_") && !proves("storage::p13a_idle", "p13_"));
        assert!(!proves("a_page_p12_is_named", "p12_"));
        assert_eq!(Proofs::read("nothing"), None);
    }
}
