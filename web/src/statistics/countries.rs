//! Which country an address is in, by a database of the operator's.

use std::path::{Path, PathBuf};

use maxminddb::{PathElement, Reader};

use crate::http::address::ClientAddress;

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
#[error("the database of countries {} cannot be read: {source}", .path.display())]
pub struct CountriesError {
    path: PathBuf,
    source: maxminddb::MaxMindDbError,
}

/// A database in the MMDB format, in memory.
#[derive(Debug)]
pub(super) struct Countries(Reader<Vec<u8>>);

impl Countries {
    pub(super) fn open(path: &Path) -> Result<Self, CountriesError> {
        Reader::open_readfile(path)
            .map(Self)
            .map_err(|source| CountriesError {
                path: path.to_owned(),
                source,
            })
    }

    /// The two letters of the country; `None` where the database does not know.
    pub(super) fn of(&self, client: ClientAddress) -> Option<String> {
        let found = self.0.lookup(client.exposed()).ok()?;
        let path = [PathElement::Key("country"), PathElement::Key("iso_code")];
        let code = found.decode_path::<&str>(&path).ok()??;
        let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code.then(|| code.to_owned())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A database that knows 128.0.0.0/1 to lie in Germany: one node, one
    /// record (MaxMind DB file format specification 2.0).
    pub(in crate::statistics) fn database() -> Vec<u8> {
        let text = |text: &str| {
            let mut bytes = vec![0x40 | u8::try_from(text.len()).unwrap()];
            bytes.extend_from_slice(text.as_bytes());
            bytes
        };
        let map = |n: u8| vec![0xE0 | n];
        let number = |kind: u8, value: u8| vec![kind << 5 | 1, value];
        // Left: one node means not found; right: the record behind the tree, 16
        // bytes of separator on.
        let tree = [0, 0, 1, 0, 0, 1 + 16];
        let record = [
            map(1),
            text("country"),
            map(1),
            text("iso_code"),
            text("DE"),
        ]
        .concat();
        let metadata = [
            b"\xAB\xCD\xEFMaxMind.com".to_vec(),
            map(9),
            text("node_count"),
            number(6, 1),
            text("record_size"),
            number(5, 24),
            text("ip_version"),
            number(5, 4),
            text("database_type"),
            text("Test"),
            text("binary_format_major_version"),
            number(5, 2),
            text("binary_format_minor_version"),
            vec![0xA0],
            text("build_epoch"),
            // uint64: an extended type, 7 + 2.
            vec![0x01, 0x02, 0x01],
            text("languages"),
            // An empty array: 7 + 4.
            vec![0x00, 0x04],
            text("description"),
            map(0),
        ]
        .concat();
        [&tree[..], &[0; 16], &record, &metadata].concat()
    }

    #[test]
    fn an_address_is_looked_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("countries.mmdb");
        std::fs::write(&path, database()).unwrap();
        let countries = Countries::open(&path).unwrap();
        let of = |text: &str| countries.of(ClientAddress::new(text.parse().unwrap()));
        assert_eq!(of("203.0.113.77").as_deref(), Some("DE"));
        assert_eq!(of("10.0.0.1"), None);
        assert_eq!(of("2001:db8::1"), None);
        std::fs::write(&path, "no database").unwrap();
        assert!(Countries::open(&path).is_err());
    }
}
