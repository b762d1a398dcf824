//! What the browser says it did: 5.8.1.

use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{PasskeyError, decode};

/// A credential was made.
pub(super) const CREATE: &str = "webauthn.create";
/// A credential was used.
pub(super) const GET: &str = "webauthn.get";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// The challenge that it says it answers, of 32 bytes; nothing is proved by it.
pub(super) fn challenge_of(json: &[u8]) -> Option<[u8; 32]> {
    let data: ClientData = serde_json::from_slice(json).ok()?;
    decode(&data.challenge).ok()?.try_into().ok()
}

/// Checks kind, challenge and origin: 7.1 steps 5 to 9, 7.2 steps 9 to 13.
pub(super) fn check(
    json: &[u8],
    kind: &str,
    challenge: &[u8; 32],
    origin: &str,
) -> Result<(), PasskeyError> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| PasskeyError::Malformed)?;
    if data.kind != kind {
        return Err(PasskeyError::Kind);
    }
    if !bool::from(decode(&data.challenge)?.ct_eq(challenge.as_slice())) {
        return Err(PasskeyError::Challenge);
    }
    if data.origin != origin || data.cross_origin {
        return Err(PasskeyError::Origin);
    }
    Ok(())
}
