//! What somebody without an account gets for what they sent.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{is_base58, random_base58};

/// 16 characters of base58 are 93 bits: nobody finds another one's by trying.
const LEN: usize = 16;

/// Names a report, a notice or a counter-notice, and is all it takes to see
/// what became of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt([u8; LEN]);

impl Receipt {
    /// Draws a receipt from the operating system's random source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn random() -> io::Result<Self> {
        random_base58().map(Self)
    }

    /// The 16 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a receipt holds only characters of base58")
    }

    /// The 16 characters as ASCII bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A receipt from its ASCII bytes; `None` unless they are exactly one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let receipt: [u8; LEN] = bytes.try_into().ok()?;
        is_base58(&receipt).then_some(Self(receipt))
    }
}

/// The text is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a receipt: 16 base58 characters are")]
pub struct InvalidReceipt;

impl FromStr for Receipt {
    type Err = InvalidReceipt;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidReceipt)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Whoever reads a log must not be able to follow somebody's report.
impl fmt::Debug for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Receipt(..)")
    }
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Receipt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_back_and_nothing_else_is() {
        let receipt = Receipt::random().unwrap();
        assert_eq!(receipt.to_string().parse(), Ok(receipt));
        assert_ne!(Receipt::random().unwrap(), receipt);
        assert_eq!(format!("{receipt:?}"), "Receipt(..)");
        for wrong in [
            "",
            "111111111111111",
            "11111111111111111",
            "0111111111111111",
        ] {
            assert_eq!(wrong.parse::<Receipt>(), Err(InvalidReceipt), "{wrong}");
        }
    }
}
