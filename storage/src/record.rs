//! What is kept about one image, and its versioned encoding.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ImageId, InvalidPartName, PartName, StorageError, TokenHash, TurnedHashes, hex_bytes};

/// The first byte of every encoded record. Version 2 may have a perceptual hash,
/// version 3 a ruling, version 4 the hashes of the picture turned.
const VERSION: u8 = 4;

/// The oldest version that is still read.
const VERSION_OLDEST: u8 = 1;

/// Where an image stands. Only `Public` is shown to strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Stored, not classified yet.
    Pending,
    /// Classified and shown, behind a warning when nsfw.
    Public,
    /// Hidden until a moderator decides.
    Review,
    /// Hidden by a rule or by staff. What staff removed is purged when its time
    /// is over; until then it can be restored.
    Blocked,
    /// The classifier failed on it repeatedly.
    ScanFailed,
    /// Deleted; gone as soon as no legal hold keeps it.
    Removed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Public,
        Self::Review,
        Self::Blocked,
        Self::ScanFailed,
        Self::Removed,
    ];

    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Public => "public",
            Self::Review => "review",
            Self::Blocked => "blocked",
            Self::ScanFailed => "scan-failed",
            Self::Removed => "removed",
        }
    }
}

/// The label that was derived from the probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredLabel {
    /// Fit for everyone.
    Safe,
    /// Shown behind a warning.
    Nsfw,
}

impl StoredLabel {
    /// The stable lower-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Nsfw => "nsfw",
        }
    }
}

/// A classifier's answer with everything needed to judge it again (P3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// The model's id.
    pub model: String,
    /// The preprocessing's id.
    pub preprocessing: String,
    /// Drawing, hentai, neutral, porn, sexy; each 0..=1.
    #[serde(deserialize_with = "floats")]
    pub probabilities: [f32; 5],
    /// The thresholds in force: explicit, sexy, ads, review band.
    #[serde(deserialize_with = "floats")]
    pub thresholds: [f32; 4],
    /// The label they gave.
    pub label: StoredLabel,
    /// Mass on the label's side, 0..=1.
    #[serde(deserialize_with = "float")]
    pub confidence: f32,
    /// When, in milliseconds since 1970 UTC.
    pub classified_at_ms: u64,
}

/// A label that stands in place of the one that the scores give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruling {
    /// The label.
    pub label: StoredLabel,
    /// Who set it.
    pub by: RuledBy,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// Who set a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuledBy {
    /// A moderator.
    Staff,
    /// A rule, when the image was classified.
    Rule,
}

/// Quality from which PDQ's makers say that a likeness means something. Below it
/// plain pictures are alike that have nothing to do with each other.
pub(crate) const LIKENESS_QUALITY_MIN: u8 = 50;

/// PDQ, a hash of what the picture looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerceptualHash {
    /// The 256 bits.
    #[serde(with = "hex_bytes")]
    pub hash: [u8; 32],
    /// How much there was to tell the picture by, 0..=100.
    pub quality: u8,
    /// The hashes of the picture turned; `None` where only a hash is known, and in
    /// records written before they were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned: Option<TurnedHashes>,
}

/// Everything that is kept about one image, besides its bytes and its views
/// (P1, P3). Its serde form is the stored one and is never sent to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The image's id.
    pub id: ImageId,
    /// Counts changes; a write with a stale revision is refused.
    pub revision: u64,
    /// The file name the uploader gave; shown, never used as a path.
    pub filename: String,
    /// Media type of the stored bytes, from our own sniffing.
    pub mime: String,
    /// Extension of the stored bytes, without the dot.
    pub extension: String,
    /// Size of the stored bytes.
    pub bytes: u64,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// Frames; 1 for a still.
    pub frames: u32,
    /// SHA-256 of the stored bytes.
    #[serde(with = "hex_bytes")]
    pub sha256: [u8; 32],
    /// What the picture looks like; `None` when it is too small to say, and in
    /// records written before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pdq: Option<PerceptualHash>,
    /// When it was uploaded, in milliseconds since 1970 UTC.
    pub uploaded_at_ms: u64,
    /// Where it stands.
    pub state: State,
    /// It may show the abuse of a child and is kept as evidence, until somebody
    /// who may says that it is none (P11).
    pub legal_hold: bool,
    /// A court or an authority has it kept (P11): see [`lawful`](crate::lawful).
    /// The store sets this, and only the end of that hold clears it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub court_hold: bool,
    /// Its owner objected to advertising beside it (P20).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ads_objection: bool,
    /// The classifier's answer; `None` while pending.
    pub classification: Option<Classification>,
    /// The label that staff or a rule set; `None` leaves it to the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// How often classification was tried.
    pub scan_attempts: u32,
    /// What is kept of the delete token.
    pub delete_token: TokenHash,
}

impl Record {
    /// Whether anything keeps it from being purged, as evidence or for a court.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.legal_hold || self.court_hold
    }

    /// What it looks like, if there is enough to tell it by.
    #[must_use]
    pub fn likeness(&self) -> Option<[u8; 32]> {
        let pdq = self.pdq?;
        (pdq.quality >= LIKENESS_QUALITY_MIN).then_some(pdq.hash)
    }

    /// Longest stored form, in bytes; 1,000 are usual. The embedded database keeps
    /// up to 17 records on a page, and a page that outgrows 128 KB would go into
    /// a file of its own, where a full disk hangs it.
    pub const ENCODED_BYTES_MAX: usize = 4096;

    /// The stored form: a version byte, then JSON.
    ///
    /// JSON because the sidecars are the last resort after a disaster: they are
    /// readable without this program, and some 1,000 bytes beside an image of
    /// megabytes are nothing.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoded = vec![VERSION];
        serde_json::to_writer(&mut encoded, self)
            .expect("a record has string keys and is written to memory");
        encoded
    }

    /// Reads the stored form back. Any bytes may be given.
    ///
    /// # Errors
    /// [`StorageError::UnsupportedVersion`] for a version from the future,
    /// [`StorageError::Corrupt`] for anything else that is no record.
    pub fn decode(encoded: &[u8]) -> Result<Self, StorageError> {
        match encoded.split_first() {
            Some((VERSION_OLDEST..=VERSION, json)) => {
                serde_json::from_slice(json).map_err(|error| StorageError::Corrupt {
                    detail: format!("a record: {error}"),
                })
            }
            Some((&version, _)) if version > VERSION => Err(StorageError::UnsupportedVersion {
                what: "a record",
                version,
            }),
            _ => Err(StorageError::Corrupt {
                detail: "a record without a version".into(),
            }),
        }
    }

    /// [`Record::encode`], bounded as every store needs it.
    pub(crate) fn stored_form(&self) -> Result<Vec<u8>, StorageError> {
        let encoded = self.encode();
        if encoded.len() > Self::ENCODED_BYTES_MAX {
            return Err(StorageError::RecordTooLarge {
                bytes: encoded.len(),
            });
        }
        Ok(encoded)
    }

    pub(crate) fn next_revision(mut self) -> Self {
        self.revision = self.revision.wrapping_add(1);
        self
    }

    /// The name of the original's file.
    ///
    /// # Errors
    /// When [`Record::extension`] could not be one.
    pub fn original(&self) -> Result<PartName, InvalidPartName> {
        PartName::original(&self.extension)
    }
}

/// JSON has no NaN and writes null for it. Reading null as NaN keeps a record
/// readable whatever a classifier answered.
fn float<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::<f32>::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

fn floats<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[f32; N], D::Error> {
    let floats = Vec::<Option<f32>>::deserialize(deserializer)?;
    let floats: Vec<f32> = floats
        .into_iter()
        .map(|float| float.unwrap_or(f32::NAN))
        .collect();
    let n_floats = floats.len();
    floats.try_into().map_err(|_| {
        serde::de::Error::custom(format_args!("{n_floats} numbers where {N} are expected"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::DeleteToken;

    fn classification() -> impl Strategy<Value = Classification> {
        let finite = || any::<f32>().prop_filter("finite", |float| float.is_finite());
        (
            any::<String>(),
            any::<String>(),
            [finite(), finite(), finite(), finite(), finite()],
            [finite(), finite(), finite(), finite()],
            any::<bool>(),
            finite(),
            any::<u64>(),
        )
            .prop_map(
                |(model, preprocessing, probabilities, thresholds, nsfw, confidence, at)| {
                    Classification {
                        model,
                        preprocessing,
                        probabilities,
                        thresholds,
                        label: if nsfw {
                            StoredLabel::Nsfw
                        } else {
                            StoredLabel::Safe
                        },
                        confidence,
                        classified_at_ms: at,
                    }
                },
            )
    }

    fn record() -> impl Strategy<Value = Record> {
        let texts = (any::<String>(), any::<String>(), "[a-z0-9]{1,5}");
        let numbers = (any::<[u64; 3]>(), any::<[u32; 4]>(), any::<[u8; 32]>());
        let rest = (
            0..6_usize,
            any::<bool>(),
            proptest::option::of(classification()),
            proptest::option::of(any::<([u8; 32], u8, Option<[[u8; 32]; 3]>)>()),
            proptest::option::of(any::<(bool, bool, u64)>()),
        );
        (texts, numbers, rest).prop_map(
            |(
                (filename, mime, extension),
                (longs, ints, sha256),
                (state, hold, classes, pdq, ruling),
            )| {
                Record {
                    id: ImageId::random().unwrap(),
                    revision: longs[0],
                    filename,
                    mime,
                    extension,
                    bytes: longs[1],
                    width: ints[0],
                    height: ints[1],
                    frames: ints[2],
                    sha256,
                    pdq: pdq.map(|(hash, quality, turned)| PerceptualHash {
                        hash,
                        quality,
                        turned: turned.map(|[mirrored, flipped, half_turned]| TurnedHashes {
                            mirrored,
                            flipped,
                            half_turned,
                        }),
                    }),
                    uploaded_at_ms: longs[2],
                    state: State::ALL[state],
                    legal_hold: hold,
                    court_hold: ints[0] % 2 == 0,
                    ads_objection: !hold,
                    classification: classes,
                    ruling: ruling.map(|(nsfw, by_staff, at_ms)| Ruling {
                        label: if nsfw {
                            StoredLabel::Nsfw
                        } else {
                            StoredLabel::Safe
                        },
                        by: if by_staff {
                            RuledBy::Staff
                        } else {
                            RuledBy::Rule
                        },
                        at_ms,
                    }),
                    scan_attempts: ints[3],
                    delete_token: DeleteToken::random().unwrap().hash(),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_record_survives_its_encoding(record in record()) {
            prop_assert_eq!(Record::decode(&record.encode()).unwrap(), record);
        }

        #[test]
        fn any_bytes_are_a_record_or_an_error(mut bytes: Vec<u8>) {
            let _ = Record::decode(&bytes);
            bytes.insert(0, VERSION);
            let _ = Record::decode(&bytes);
        }

        #[test]
        fn a_damaged_record_is_a_record_or_an_error(record in record(), at: usize, byte: u8) {
            let mut bytes = record.encode();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Record::decode(&bytes);
            let _ = Record::decode(&bytes[..at]);
        }
    }

    #[test]
    fn a_record_of_the_first_version_is_still_read() {
        let written = concat!(
            "\u{1}{\"id\":\"9Km3fTzWqRbX\",\"revision\":3,\"filename\":\"a.jpg\",",
            "\"mime\":\"image/jpeg\",\"extension\":\"jpg\",\"bytes\":8,\"width\":4,\"height\":3,",
            "\"frames\":1,\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000007\",",
            "\"uploaded_at_ms\":5,\"state\":\"public\",\"legal_hold\":false,\"classification\":null,",
            "\"scan_attempts\":0,",
            "\"delete_token\":\"0000000000000000000000000000000000000000000000000000000000000009\"}",
        );
        let record = Record::decode(written.as_bytes()).unwrap();
        assert_eq!((record.revision, record.sha256[31]), (3, 7));
        assert_eq!(record.pdq, None);
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }

    #[test]
    fn a_hash_without_those_of_the_turned_picture_is_still_read() {
        let mut record = crate::contract::sample_record();
        let pdq = record.pdq.as_mut().unwrap();
        assert!(pdq.turned.take().is_some());
        let mut written = record.encode();
        written[0] = 3;
        assert!(!String::from_utf8_lossy(&written).contains("turned"));
        assert_eq!(Record::decode(&written).unwrap(), record);
    }

    #[test]
    fn a_version_from_the_future_says_so() {
        let error = Record::decode(&[9, b'{', b'}']).unwrap_err();
        assert_eq!(error.code(), "storage-unsupported-version");
        assert!(error.to_string().contains("version 9"), "{error}");
        assert_eq!(Record::decode(&[]).unwrap_err().code(), "storage-corrupt");
        assert_eq!(Record::decode(&[0]).unwrap_err().code(), "storage-corrupt");
    }

    #[test]
    fn a_score_that_is_no_number_keeps_the_record_readable() {
        let mut record = crate::contract::sample_record();
        let classification = record.classification.as_mut().unwrap();
        classification.probabilities[2] = f32::NAN;
        classification.confidence = f32::INFINITY;
        let read = Record::decode(&record.encode())
            .unwrap()
            .classification
            .unwrap();
        assert!(read.probabilities[2].is_nan() && read.confidence.is_nan());
        assert_eq!(read.probabilities[0], 0.125);
    }

    #[test]
    fn states_are_named_alike_in_text_and_storage() {
        for state in State::ALL {
            assert_eq!(
                serde_json::to_string(&state).unwrap(),
                format!("\"{}\"", state.as_str())
            );
        }
    }
}
