//! What is read in place of a record that is not there, so that a stranger who
//! measures an answer does not learn whether something is hidden behind an id
//! (P18): reading a record takes some microseconds.

use std::hint::black_box;

use crate::record::Record;

/// A stored record of the usual size, behind its version byte.
const ENCODED: &[u8] = b"\x04{\"id\":\"111111111111\",\"revision\":2,\"filename\":\"IMG_20260101_120000.jpg\",\
\"mime\":\"image/jpeg\",\"extension\":\"jpg\",\"bytes\":2400000,\"width\":4000,\"height\":3000,\"frames\":1,\
\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
\"pdq\":{\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"quality\":100,\"turned\":\
{\"mirrored\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
\"flipped\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
\"half_turned\":\"0000000000000000000000000000000000000000000000000000000000000000\"}},\
\"uploaded_at_ms\":1767268800000,\"state\":\"review\",\"legal_hold\":false,\"classification\":\
{\"model\":\"mobilenet_v2\",\"preprocessing\":\"nsfwjs-224-antialiased\",\"probabilities\":\
[0.12345678,0.02345678,0.71234567,0.08234567,0.05851852],\"thresholds\":[0.6,0.9,0.3,0.1],\
\"label\":\"safe\",\"confidence\":0.8358024,\"classified_at_ms\":1767268800040},\"scan_attempts\":1,\
\"delete_token\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";

/// Does the work of reading a record.
pub(crate) fn read() {
    // Opaque, or the compiler would see that nobody wants it.
    let _ = black_box(Record::decode(black_box(ENCODED)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::sample_record;

    #[test]
    fn p18_the_decoy_is_read_like_a_record_of_the_usual_size() {
        let decoy = Record::decode(ENCODED).expect("a record");
        let usual = sample_record().encode().len();
        assert!(decoy.encode().len().abs_diff(usual) < 64, "{usual}");
        assert_eq!(decoy.encode().len(), ENCODED.len());
    }
}
