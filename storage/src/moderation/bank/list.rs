//! Lists of hashes as files: JSON lines, or CSV.
//!
//! JSON lines are entries as they are kept, one object a line, with everything
//! but `hash` optional. CSV has a header; `hash` is needed, `quality`, `policy`,
//! `against` and `reason` are read where there are such columns, others are
//! passed over. A hash is `pdq:` or `sha256:` and 64 hexadecimal characters; 64
//! characters alone are a PDQ hash, as shared lists have them.

use serde::Deserialize;

use super::{BANK_QUALITY_MIN, BankEntry, BankHash, BankPolicy};
use crate::moderation::{Note, Policy};

/// The columns of an export.
pub const BANK_CSV_HEADER: &str = "hash,policy,against,reason,added_by,added_at_ms,image";

/// Longest line that is read, in bytes.
const LINE_BYTES_MAX: usize = 16 << 10;

/// What a line without it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDefaults {
    /// What happens to what matches.
    pub policy: BankPolicy,
    /// Against which policy the images are.
    pub against: Policy,
    /// Why, in words.
    pub reason: Note,
    /// Who adds them.
    pub added_by: String,
    /// When.
    pub added_at_ms: u64,
}

/// Why a line is no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// The line is too long.
    #[error("the line is too long")]
    TooLong,
    /// There is no such hash.
    #[error("{0:?} is no hash")]
    NoHash(String),
    /// A value is none that there is.
    #[error("{0}")]
    Malformed(String),
    /// PDQ of a picture with too little to tell it by.
    #[error("a quality of {0} is too little to know a picture again")]
    LowQuality(u8),
    /// The header has no column of hashes, or several, so no line can be read.
    #[error("the first line must name one column `hash`, `pdq` or `sha256`")]
    NoHashColumn,
}

/// Reads a list line by line.
#[derive(Debug)]
pub struct ListReader {
    defaults: ListDefaults,
    /// The columns of a CSV; `None` for JSON lines, or before the first line.
    columns: Option<Vec<String>>,
    /// Of which kind hashes without one are.
    kind: &'static str,
    is_first: bool,
    is_unreadable: bool,
}

/// Names of the column of hashes, and of which kind they are without one: PDQ is
/// what lists are shared in.
const HASH_COLUMNS: [(&str, &str); 3] = [("hash", "pdq"), ("pdq", "pdq"), ("sha256", "sha256")];

#[derive(Deserialize)]
struct Line {
    hash: String,
    quality: Option<u8>,
    policy: Option<BankPolicy>,
    against: Option<Policy>,
    reason: Option<Note>,
}

impl ListReader {
    /// A reader at the beginning of a list.
    #[must_use]
    pub fn new(defaults: ListDefaults) -> Self {
        Self {
            defaults,
            columns: None,
            kind: "pdq",
            is_first: true,
            is_unreadable: false,
        }
    }

    /// The entry of the next line; `None` for a header and an empty line.
    ///
    /// # Errors
    /// [`BadLine`] says what is wrong with it; the next one can still be read,
    /// except after [`BadLine::NoHashColumn`].
    pub fn read(&mut self, line: &str) -> Result<Option<BankEntry>, BadLine> {
        if line.len() > LINE_BYTES_MAX {
            return Err(BadLine::TooLong);
        }
        if self.is_unreadable {
            return Err(BadLine::NoHashColumn);
        }
        let line = line
            .trim_start_matches('\u{feff}')
            .trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            return Ok(None);
        }
        let is_first = std::mem::replace(&mut self.is_first, false);
        if line.trim_start().starts_with('{') {
            let read = serde_json::from_str(line);
            return self.entry(read.map_err(|error| BadLine::Malformed(error.to_string()))?);
        }
        let fields = csv_fields(line);
        if is_first && self.hash_of(&fields[0]).is_err() {
            self.read_header(&fields)?;
            return Ok(None);
        }
        self.entry(self.csv_line(&fields)?)
    }

    fn read_header(&mut self, fields: &[String]) -> Result<(), BadLine> {
        let names = fields.iter().map(|name| name.trim().to_ascii_lowercase());
        let mut columns: Vec<String> = names.collect();
        let kinds = columns.iter_mut().filter_map(|column| {
            let (_, kind) = HASH_COLUMNS.iter().find(|(name, _)| column == name)?;
            "hash".clone_into(column);
            Some(*kind)
        });
        let [kind] = kinds.collect::<Vec<_>>()[..] else {
            self.is_unreadable = true;
            return Err(BadLine::NoHashColumn);
        };
        self.kind = kind;
        self.columns = Some(columns);
        Ok(())
    }

    fn csv_line(&self, fields: &[String]) -> Result<Line, BadLine> {
        let field = |name: &str| {
            let idx = match &self.columns {
                Some(columns) => columns.iter().position(|column| column == name)?,
                // Without a header: hashes alone.
                None => (name == "hash").then_some(0)?,
            };
            fields
                .get(idx)
                .map(|field| field.trim())
                .filter(|field| !field.is_empty())
        };
        Ok(Line {
            hash: field("hash").unwrap_or_default().to_owned(),
            quality: field("quality").map(named).transpose()?,
            policy: field("policy").map(quoted).transpose()?,
            against: field("against").map(quoted).transpose()?,
            reason: field("reason").map(quoted).transpose()?,
        })
    }

    fn entry(&self, line: Line) -> Result<Option<BankEntry>, BadLine> {
        let hash = self.hash_of(&line.hash)?;
        if let (BankHash::Pdq(_), Some(quality)) = (hash, line.quality)
            && quality < BANK_QUALITY_MIN
        {
            return Err(BadLine::LowQuality(quality));
        }
        let defaults = &self.defaults;
        Ok(Some(BankEntry {
            hash,
            policy: line.policy.unwrap_or(defaults.policy),
            against: line.against.unwrap_or(defaults.against),
            reason: line.reason.unwrap_or_else(|| defaults.reason.clone()),
            added_by: defaults.added_by.clone(),
            added_at_ms: defaults.added_at_ms,
            image: None,
        }))
    }

    fn hash_of(&self, text: &str) -> Result<BankHash, BadLine> {
        let text = text.trim();
        let parsed = match text.len() {
            64 => format!("{}:{text}", self.kind).parse(),
            _ => text.parse(),
        };
        parsed.map_err(|_| BadLine::NoHash(text.chars().take(100).collect()))
    }
}

fn named(text: &str) -> Result<u8, BadLine> {
    text.parse()
        .map_err(|_| BadLine::Malformed(format!("{text:?} is no quality")))
}

/// A value as JSON has it in quotes.
fn quoted<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, BadLine> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|error| BadLine::Malformed(error.to_string()))
}

/// The fields of a line of RFC 4180, quotes taken off.
fn csv_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut().expect("there is always one field");
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

impl BankEntry {
    /// The entry as a line of JSON.
    #[must_use]
    pub fn json_line(&self) -> String {
        serde_json::to_string(self).expect("an entry has string keys")
    }

    /// The entry as a line of CSV, under [`BANK_CSV_HEADER`]. A text that a
    /// spreadsheet would take for a formula is quoted with an apostrophe.
    #[must_use]
    pub fn csv_line(&self) -> String {
        let name = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let image = self.image.map(|image| image.to_string());
        [
            self.hash.to_string(),
            name(serde_json::json!(self.policy)),
            name(serde_json::json!(self.against)),
            csv_text(self.reason.as_str()),
            csv_text(&self.added_by),
            self.added_at_ms.to_string(),
            image.unwrap_or_default(),
        ]
        .join(",")
    }
}

fn csv_text(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let apostrophe = if text.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

    fn reader() -> ListReader {
        ListReader::new(ListDefaults {
            policy: BankPolicy::Queue,
            against: Policy::Illegal,
            reason: Note::new("a shared list").unwrap(),
            added_by: "calm-heron-7".into(),
            added_at_ms: 7,
        })
    }

    #[test]
    fn an_export_is_read_back() {
        let mut entry = reader().read(HASH).unwrap().unwrap();
        entry.policy = BankPolicy::Refuse;
        entry.reason = Note::new("=\"so\", it said").unwrap();
        assert_eq!(
            reader().read(&entry.json_line()).unwrap(),
            Some(entry.clone())
        );
        let mut csv = reader();
        assert_eq!(csv.read(BANK_CSV_HEADER), Ok(None));
        let read = csv.read(&entry.csv_line()).unwrap().unwrap();
        assert_eq!(read.reason.as_str(), "'=\"so\", it said");
        assert_eq!((read.hash, read.policy), (entry.hash, entry.policy));
    }

    #[test]
    fn shared_lists_are_read_as_they_are() {
        let mut csv = reader();
        assert_eq!(csv.read("\u{feff}id,Hash,quality\r\n"), Ok(None));
        let read = csv.read(&format!("7,{HASH},100\r\n")).unwrap().unwrap();
        assert_eq!(read.hash, format!("pdq:{HASH}").parse().unwrap());
        assert_eq!(read.reason.as_str(), "a shared list");
        assert_eq!(
            csv.read(&format!("7,{HASH},49")),
            Err(BadLine::LowQuality(49))
        );
        assert!(matches!(csv.read("7,nothing,60"), Err(BadLine::NoHash(_))));
        assert!(csv.read(&format!("7,sha256:{HASH},")).unwrap().is_some());
        assert_eq!(csv.read(""), Ok(None));
        assert_eq!(reader().read("id,name"), Err(BadLine::NoHashColumn));
        assert_eq!(reader().read(&"x".repeat(20_000)), Err(BadLine::TooLong));
        let unknown = format!("{{\"hash\":\"{HASH}\",\"policy\":\"shred\"}}");
        assert!(matches!(
            reader().read(&unknown),
            Err(BadLine::Malformed(_))
        ));
    }

    #[test]
    fn the_column_says_of_which_kind_its_hashes_are() {
        for (header, kind) in [("pdq,reason", "pdq"), ("SHA256,reason", "sha256")] {
            let mut csv = reader();
            assert_eq!(csv.read(header), Ok(None));
            let read = csv.read(&format!("{HASH},x")).unwrap().unwrap();
            assert_eq!(read.hash, format!("{kind}:{HASH}").parse().unwrap());
        }
        // Neither is taken for the other where it is not known which is meant.
        for header in ["sha256,pdq", "md5,reason"] {
            let mut csv = reader();
            assert_eq!(csv.read(header), Err(BadLine::NoHashColumn));
            assert_eq!(
                csv.read(&format!("{HASH},{HASH}")),
                Err(BadLine::NoHashColumn)
            );
        }
    }

    proptest! {
        #[test]
        fn any_lines_are_entries_or_errors(lines: Vec<String>) {
            let mut reader = reader();
            for line in &lines {
                let _ = reader.read(line);
            }
        }
    }
}
