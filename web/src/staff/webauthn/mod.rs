//! Passkeys: the relying party's side of Web Authentication Level 2, for
//! ES256 keys, which every authenticator makes. Section numbers are those of
//! the standard.
//!
//! An authenticator's answer holds for one challenge, one origin and one
//! relying party. Who made the authenticator is not asked.

mod authenticator_data;
mod client_data;
mod key;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use imgshare_storage::staff::{CREDENTIAL_ID_BYTES_MAX, Passkey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use authenticator_data::AuthenticatorData;
use key::PublicKey;

/// For whom keys are made, and from where answers come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RelyingParty {
    /// The domain.
    pub(super) id: String,
    /// The pages' origin.
    pub(super) origin: String,
    /// The site's name, for people.
    pub(super) name: String,
}

/// Why an answer was not taken. For the log; the answer to the browser is the
/// same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum PasskeyError {
    #[error("the answer cannot be read")]
    Malformed,
    #[error("the answer is of another kind")]
    Kind,
    #[error("the answer is to another challenge")]
    Challenge,
    #[error("the answer comes from another origin")]
    Origin,
    #[error("the key belongs to another site")]
    RelyingParty,
    #[error("nobody was there")]
    UserPresence,
    #[error("who was there was not verified")]
    UserVerification,
    #[error("the key is no point on P-256")]
    Key,
    #[error("the attestation does not hold")]
    Attestation,
    #[error("the credential id is too long")]
    CredentialId,
    #[error("no such passkey")]
    Unknown,
    #[error("the signature does not hold")]
    Signature,
    #[error("the counter went back: there may be a copy of the key")]
    Counter,
}

/// What the page gives to `navigator.credentials.create`, binary parts in
/// base64url.
pub(super) fn creation_options(
    party: &RelyingParty,
    challenge: &[u8; 32],
    user: &[u8],
    login: &str,
    known: &[Passkey],
) -> serde_json::Value {
    serde_json::json!({
        "challenge": encode(challenge),
        "rp": {"id": party.id, "name": party.name},
        "user": {"id": encode(user), "name": login, "displayName": login},
        "pubKeyCredParams": [{"type": "public-key", "alg": key::ES256}],
        "timeout": 120_000,
        "attestation": "none",
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        "excludeCredentials": descriptors(known),
    })
}

/// What the page gives to `navigator.credentials.get`.
pub(super) fn request_options(
    party: &RelyingParty,
    challenge: &[u8; 32],
    known: &[Passkey],
) -> serde_json::Value {
    serde_json::json!({
        "challenge": encode(challenge),
        "rpId": party.id,
        "timeout": 120_000,
        "userVerification": "preferred",
        "allowCredentials": descriptors(known),
    })
}

/// The same for whoever has not said a name: the authenticator knows whose keys
/// it has for us, and verifies that it is them.
pub(super) fn sign_in_options(party: &RelyingParty, challenge: &[u8; 32]) -> serde_json::Value {
    let mut options = request_options(party, challenge, &[]);
    options["userVerification"] = "required".into();
    options
}

/// The credential's id, in hex, and the challenge that an assertion names. They
/// say where to look; nothing is proved by them.
pub(super) fn said_of(credential: &str) -> Option<(String, [u8; 32])> {
    let asserted: Asserted = serde_json::from_str(credential).ok()?;
    let client_data = decode(&asserted.client_data_json).ok()?;
    let id = hex::encode(decode(&asserted.id).ok()?);
    Some((id, client_data::challenge_of(&client_data)?))
}

fn descriptors(known: &[Passkey]) -> Vec<serde_json::Value> {
    known
        .iter()
        .filter_map(|passkey| hex::decode(&passkey.id).ok())
        .map(|id| serde_json::json!({"type": "public-key", "id": encode(&id)}))
        .collect()
}

/// A new credential, as the page sends it; binary parts in base64url.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    attestation_object: String,
}

/// An assertion, as the page sends it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asserted {
    id: String,
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    authenticator_data: String,
    signature: String,
}

/// The attestation object, 6.5.4.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttestationObject {
    fmt: String,
    att_stmt: Value,
    auth_data: Value,
}

/// Takes a new credential: 7.1. `name` and `now_ms` are kept with it.
pub(super) fn register(
    party: &RelyingParty,
    challenge: &[u8; 32],
    credential: &str,
    name: String,
    now_ms: u64,
) -> Result<Passkey, PasskeyError> {
    let created: Created = serde_json::from_str(credential).map_err(|_| PasskeyError::Malformed)?;
    let client_data = decode(&created.client_data_json)?;
    client_data::check(&client_data, client_data::CREATE, challenge, &party.origin)?;
    let object = decode(&created.attestation_object)?;
    let object: AttestationObject = read_cbor(&object)?;
    let auth_data = object.auth_data.as_bytes().ok_or(PasskeyError::Malformed)?;
    let data = AuthenticatorData::parse(auth_data)?;
    check_party(&data, party)?;
    let attested = data.attested.as_ref().ok_or(PasskeyError::Malformed)?;
    if attested.id.is_empty() || attested.id.len() > CREDENTIAL_ID_BYTES_MAX {
        return Err(PasskeyError::CredentialId);
    }
    let signed = signed_bytes(auth_data, &client_data);
    check_attestation(&object, &attested.key, &signed)?;
    let (x, y) = attested.key.coordinates();
    Ok(Passkey {
        id: hex::encode(&attested.id),
        x,
        y,
        sign_count: data.sign_count,
        name,
        created_at_ms: now_ms,
    })
}

/// Checks an assertion by one of the known passkeys: 7.2. Returns its index and
/// the new counter.
pub(super) fn assert(
    party: &RelyingParty,
    challenge: &[u8; 32],
    credential: &str,
    known: &[Passkey],
) -> Result<(usize, u32), PasskeyError> {
    asserted(party, challenge, credential, known).map(|(index, data)| (index, data.sign_count))
}

/// The same where the passkey stands for the password as well: whoever used it
/// must have been verified (step 17).
pub(super) fn assert_verified(
    party: &RelyingParty,
    challenge: &[u8; 32],
    credential: &str,
    known: &[Passkey],
) -> Result<(usize, u32), PasskeyError> {
    let (index, data) = asserted(party, challenge, credential, known)?;
    if !data.is_user_verified {
        return Err(PasskeyError::UserVerification);
    }
    Ok((index, data.sign_count))
}

fn asserted(
    party: &RelyingParty,
    challenge: &[u8; 32],
    credential: &str,
    known: &[Passkey],
) -> Result<(usize, AuthenticatorData), PasskeyError> {
    let asserted: Asserted =
        serde_json::from_str(credential).map_err(|_| PasskeyError::Malformed)?;
    let id = hex::encode(decode(&asserted.id)?);
    let index = known.iter().position(|passkey| passkey.id == id);
    let index = index.ok_or(PasskeyError::Unknown)?;
    let passkey = &known[index];
    let client_data = decode(&asserted.client_data_json)?;
    client_data::check(&client_data, client_data::GET, challenge, &party.origin)?;
    let authenticator_data = decode(&asserted.authenticator_data)?;
    let data = AuthenticatorData::parse(&authenticator_data)?;
    check_party(&data, party)?;
    let key = PublicKey::from_coordinates(&passkey.x, &passkey.y)?;
    let signed = signed_bytes(&authenticator_data, &client_data);
    key.verify(&signed, &decode(&asserted.signature)?)?;
    // Step 21: a counter that counts must have gone on.
    let counts = data.sign_count != 0 || passkey.sign_count != 0;
    if counts && data.sign_count <= passkey.sign_count {
        return Err(PasskeyError::Counter);
    }
    Ok((index, data))
}

fn check_party(data: &AuthenticatorData, party: &RelyingParty) -> Result<(), PasskeyError> {
    let expected: [u8; 32] = Sha256::digest(party.id.as_bytes()).into();
    if data.rp_id_hash != expected {
        return Err(PasskeyError::RelyingParty);
    }
    if !data.is_user_present {
        return Err(PasskeyError::UserPresence);
    }
    Ok(())
}

/// None was asked for, so there is none, or (5.4.7) the key attests itself.
fn check_attestation(
    object: &AttestationObject,
    key: &PublicKey,
    signed: &[u8],
) -> Result<(), PasskeyError> {
    let statement = object.att_stmt.as_map().ok_or(PasskeyError::Malformed)?;
    let member = |name: &str| {
        let found = statement
            .iter()
            .find(|(key, _)| key.as_text() == Some(name));
        found.map(|(_, value)| value)
    };
    match object.fmt.as_str() {
        "none" if statement.is_empty() => Ok(()),
        "packed" if member("x5c").is_none() => {
            let alg = member("alg").and_then(Value::as_integer);
            let signature = member("sig").and_then(Value::as_bytes);
            match (alg, signature) {
                (Some(alg), Some(signature)) if alg == key::ES256.into() => key
                    .verify(signed, signature)
                    .map_err(|_| PasskeyError::Attestation),
                _ => Err(PasskeyError::Attestation),
            }
        }
        _ => Err(PasskeyError::Attestation),
    }
}

fn signed_bytes(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, &Sha256::digest(client_data)].concat()
}

/// One CBOR item and nothing behind it.
fn read_cbor<T: serde::de::DeserializeOwned>(mut bytes: &[u8]) -> Result<T, PasskeyError> {
    let item = ciborium::from_reader(&mut bytes).map_err(|_| PasskeyError::Malformed)?;
    if bytes.is_empty() {
        return Ok(item);
    }
    Err(PasskeyError::Malformed)
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Result<Vec<u8>, PasskeyError> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| PasskeyError::Malformed)
}

#[cfg(test)]
mod tests;
