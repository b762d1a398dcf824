//! Entries as CSV for spreadsheets (RFC 4180).

use serde_json::Value;

use super::{Scores, Sealed};
use crate::calendar;

/// The first line: what the columns are.
pub const CSV_HEADER: &str = "seq,at,at_ms,actor,role,action,subject,before,after,scores,thresholds,lease,reports,hash,previous";

/// An entry as a line of CSV, without its end, with the scores that belong to it.
#[must_use]
pub fn csv_line(sealed: &Sealed, scores: Option<&Scores>) -> String {
    let entry = &sealed.entry;
    let json = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cells = [
        sealed.seq.to_string(),
        calendar::rfc3339(entry.at_ms),
        entry.at_ms.to_string(),
        entry.actor.name().to_owned(),
        entry
            .actor
            .role()
            .map(|role| role.to_string())
            .unwrap_or_default(),
        entry.action.to_string(),
        entry
            .subject
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        json(&entry.before),
        json(&entry.after),
        json(scores.map_or(&entry.scores, Scores::value)),
        json(&entry.thresholds),
        entry.lease.clone().unwrap_or_default(),
        entry.reports.join(" "),
        hex::encode(sealed.hash),
        hex::encode(sealed.previous),
    ];
    cells.map(|cell| quoted(&cell)).join(",")
}

/// A cell that stays text: what a spreadsheet would take for a formula begins
/// with an apostrophe.
fn quoted(cell: &str) -> String {
    let is_formula = cell.trim_start().starts_with([
        '=', '+', '-', '@', '\t', '\r', '|', '%', '＝', '＋', '－', '＠',
    ]) || cell.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    let is_plain = !is_formula
        && !cell.contains(['"', ',', '\n', '\r', '\'', ';'])
        && cell.trim().len() == cell.len();
    if is_plain {
        return cell.to_owned();
    }
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Actor, Entry, Head};

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "%0A"] {
            let quoted = quoted(cell);
            assert!(quoted.starts_with("\"'"), "{quoted}");
        }
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(quoted("7"), "7");
    }

    #[test]
    fn a_line_has_as_many_cells_as_the_header() {
        let mut entry = Entry::new(7, Actor::Operator, Action::new("x"));
        entry.before = Value::from("=HYPERLINK()");
        let line = csv_line(&Sealed::behind(&Head::EMPTY, entry).unwrap(), None);
        assert_eq!(line.matches(',').count(), CSV_HEADER.matches(',').count());
        assert!(line.starts_with("1,1970-01-01T00:00:00Z,7,operator,,x,,\"'=HYPERLINK()\","));
    }
}
