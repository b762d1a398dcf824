//! What the authenticator says: 6.1.

use ciborium::Value;

use super::PasskeyError;
use super::key::PublicKey;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, read to its last byte.
pub(super) struct AuthenticatorData {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) is_user_present: bool,
    pub(super) is_user_verified: bool,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested>,
}

/// A new credential: 6.5.1.
pub(super) struct Attested {
    pub(super) id: Vec<u8>,
    pub(super) key: PublicKey,
}

impl AuthenticatorData {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, PasskeyError> {
        let (rp_id_hash, rest) = bytes.split_first_chunk().ok_or(PasskeyError::Malformed)?;
        let (flags, rest) = rest.split_first().ok_or(PasskeyError::Malformed)?;
        let (sign_count, mut rest) = rest.split_first_chunk().ok_or(PasskeyError::Malformed)?;
        let attested = if flags & ATTESTED == 0 {
            None
        } else {
            Some(Attested::parse(&mut rest)?)
        };
        if flags & EXTENSIONS != 0 {
            // None was asked for; what is there must be one map.
            let extensions: Value =
                ciborium::from_reader(&mut rest).map_err(|_| PasskeyError::Malformed)?;
            extensions.as_map().ok_or(PasskeyError::Malformed)?;
        }
        if !rest.is_empty() {
            return Err(PasskeyError::Malformed);
        }
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            is_user_present: flags & USER_PRESENT != 0,
            is_user_verified: flags & USER_VERIFIED != 0,
            sign_count: u32::from_be_bytes(*sign_count),
            attested,
        })
    }
}

impl Attested {
    fn parse(rest: &mut &[u8]) -> Result<Self, PasskeyError> {
        // The model of the authenticator: nothing is done with it.
        let (_aaguid, after) = rest
            .split_first_chunk::<16>()
            .ok_or(PasskeyError::Malformed)?;
        let (length, after) = after.split_first_chunk().ok_or(PasskeyError::Malformed)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, mut after) = after
            .split_at_checked(length)
            .ok_or(PasskeyError::Malformed)?;
        let key: Value = ciborium::from_reader(&mut after).map_err(|_| PasskeyError::Malformed)?;
        *rest = after;
        Ok(Self {
            id: id.to_vec(),
            key: PublicKey::from_cose(&key)?,
        })
    }
}
