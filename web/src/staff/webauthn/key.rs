//! ES256 public keys in COSE's form (RFC 9053, section 7.1.1).

use ciborium::Value;
use p256::EncodedPoint;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};

use super::PasskeyError;

/// ECDSA with SHA-256.
pub(super) const ES256: i32 = -7;

/// A key on P-256.
pub(super) struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a COSE key: exactly the five members of one on P-256 for ES256.
    pub(super) fn from_cose(key: &Value) -> Result<Self, PasskeyError> {
        let members = key.as_map().ok_or(PasskeyError::Key)?;
        let member = |label: i32| {
            let mut found = members
                .iter()
                .filter(|(key, _)| key.as_integer() == Some(label.into()));
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Ok(value),
                _ => Err(PasskeyError::Key),
            }
        };
        let is = |label: i32, number: i32| {
            member(label).is_ok_and(|value| value.as_integer() == Some(number.into()))
        };
        let coordinate = |label: i32| -> Result<[u8; 32], PasskeyError> {
            let bytes = member(label)?.as_bytes().ok_or(PasskeyError::Key)?;
            bytes.as_slice().try_into().map_err(|_| PasskeyError::Key)
        };
        // Key type EC2, algorithm, curve P-256.
        if !(is(1, 2) && is(3, ES256) && is(-1, 1)) {
            return Err(PasskeyError::Key);
        }
        Self::from_coordinates(&coordinate(-2)?, &coordinate(-3)?)
    }

    /// The key of a point, if it lies on the curve.
    pub(super) fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, PasskeyError> {
        let point = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
        VerifyingKey::from_encoded_point(&point)
            .map(Self)
            .map_err(|_| PasskeyError::Key)
    }

    pub(super) fn coordinates(&self) -> ([u8; 32], [u8; 32]) {
        let point = self.0.to_encoded_point(false);
        let coordinate =
            |bytes: Option<&p256::FieldBytes>| bytes.copied().unwrap_or_default().into();
        (coordinate(point.x()), coordinate(point.y()))
    }

    /// Checks a signature in DER over a message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        let signature = Signature::from_der(signature).map_err(|_| PasskeyError::Signature)?;
        self.0
            .verify(message, &signature)
            .map_err(|_| PasskeyError::Signature)
    }
}
