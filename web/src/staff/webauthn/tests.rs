//! An authenticator of the tests' own, and every way its answers can be wrong.

use ciborium::value::Integer;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

use super::*;

const CHALLENGE: [u8; 32] = [7; 32];

fn party() -> RelyingParty {
    RelyingParty {
        id: "img.example".to_owned(),
        origin: "https://img.example".to_owned(),
        name: "ImgShare".to_owned(),
    }
}

/// What an authenticator answers, each part open to be wrong.
#[derive(Clone)]
struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    rp_id: String,
    origin: String,
    challenge: [u8; 32],
    kind: &'static str,
    flags: u8,
    sign_count: u32,
    alg: i64,
    cross_origin: bool,
    extra: Vec<u8>,
}

impl Authenticator {
    fn new() -> Self {
        Self {
            key: SigningKey::from_bytes(&[9; 32].into()).unwrap(),
            id: vec![1; 16],
            rp_id: party().id,
            origin: party().origin,
            challenge: CHALLENGE,
            kind: client_data::CREATE,
            flags: 0b0100_0001,
            sign_count: 1,
            alg: -7,
            cross_origin: false,
            extra: Vec::new(),
        }
    }

    fn using(sign_count: u32) -> Self {
        Self {
            kind: client_data::GET,
            flags: 1,
            sign_count,
            ..Self::new()
        }
    }

    fn client_data(&self) -> Vec<u8> {
        json!({
            "type": self.kind,
            "challenge": encode(&self.challenge),
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        })
        .to_string()
        .into_bytes()
    }

    fn data(&self) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(self.flags);
        data.extend(self.sign_count.to_be_bytes());
        if self.flags & 0b0100_0000 != 0 {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            let point = self.key.verifying_key().to_encoded_point(false);
            let number = |value: i64| Value::Integer(Integer::from(value));
            let bytes = |value: &[u8]| Value::Bytes(value.to_vec());
            let key = Value::Map(vec![
                (number(1), number(2)),
                (number(3), number(self.alg)),
                (number(-1), number(1)),
                (number(-2), bytes(point.x().unwrap())),
                (number(-3), bytes(point.y().unwrap())),
            ]);
            ciborium::into_writer(&key, &mut data).unwrap();
        }
        data.extend(&self.extra);
        data
    }

    fn sign(&self) -> Vec<u8> {
        let signed = signed_bytes(&self.data(), &self.client_data());
        let signature: Signature = self.key.sign(&signed);
        signature.to_der().as_bytes().to_vec()
    }

    fn created_with(&self, fmt: &str, statement: Value) -> String {
        let text = |text: &str| Value::Text(text.to_owned());
        let object = Value::Map(vec![
            (text("fmt"), text(fmt)),
            (text("attStmt"), statement),
            (text("authData"), Value::Bytes(self.data())),
        ]);
        let mut encoded = Vec::new();
        ciborium::into_writer(&object, &mut encoded).unwrap();
        let created = Created {
            client_data_json: encode(&self.client_data()),
            attestation_object: encode(&encoded),
        };
        serde_json::to_string(&created).unwrap()
    }

    fn registered(&self) -> Result<Passkey, PasskeyError> {
        let created = self.created_with("none", Value::Map(Vec::new()));
        register(&party(), &CHALLENGE, &created, "key".to_owned(), 5)
    }

    /// The answer, as the page sends it.
    fn answer(&self) -> String {
        let asserted = Asserted {
            id: encode(&self.id),
            client_data_json: encode(&self.client_data()),
            authenticator_data: encode(&self.data()),
            signature: encode(&self.sign()),
        };
        serde_json::to_string(&asserted).unwrap()
    }

    fn asserted(&self, known: &[Passkey]) -> Result<(usize, u32), PasskeyError> {
        assert(&party(), &CHALLENGE, &self.answer(), known)
    }
}

#[test]
fn a_key_is_enrolled_and_used() {
    let passkey = Authenticator::new().registered().unwrap();
    assert_eq!((passkey.sign_count, passkey.created_at_ms), (1, 5));
    let known = [passkey];
    assert_eq!(Authenticator::using(2).asserted(&known), Ok((0, 2)));
    assert_eq!(
        Authenticator::using(1).asserted(&known),
        Err(PasskeyError::Counter)
    );
    assert_eq!(
        Authenticator::using(2).asserted(&[]),
        Err(PasskeyError::Unknown)
    );
}

#[test]
fn a_key_that_does_not_count_is_used_again_and_again() {
    let authenticator = Authenticator {
        sign_count: 0,
        ..Authenticator::new()
    };
    let known = [authenticator.registered().unwrap()];
    for _ in 0..2 {
        assert_eq!(Authenticator::using(0).asserted(&known), Ok((0, 0)));
    }
}

/// A part of the answer made wrong.
type Wrong = fn(&mut Authenticator);

#[test]
fn every_wrong_part_is_noticed() {
    let wrongs: [(PasskeyError, Wrong); 7] = [
        (PasskeyError::Challenge, |wrong| wrong.challenge = [8; 32]),
        (PasskeyError::Origin, |wrong| {
            wrong.origin = "https://img.example.evil".to_owned()
        }),
        (PasskeyError::Origin, |wrong| wrong.cross_origin = true),
        (PasskeyError::RelyingParty, |wrong| {
            wrong.rp_id = "example".to_owned()
        }),
        (PasskeyError::UserPresence, |wrong| wrong.flags &= !1),
        (PasskeyError::Kind, |wrong| wrong.kind = "webauthn.other"),
        (PasskeyError::Malformed, |wrong| wrong.extra = vec![0]),
    ];
    let known = [Authenticator::new().registered().unwrap()];
    for (error, make_wrong) in wrongs {
        let (mut created, mut used) = (Authenticator::new(), Authenticator::using(2));
        make_wrong(&mut created);
        make_wrong(&mut used);
        assert_eq!(created.registered().map(|_| ()), Err(error));
        assert_eq!(used.asserted(&known), Err(error));
    }
    let mut other_key = Authenticator::using(2);
    other_key.key = SigningKey::from_bytes(&[10; 32].into()).unwrap();
    assert_eq!(other_key.asserted(&known), Err(PasskeyError::Signature));
    // An assertion is no registration, and the other way round.
    assert_eq!(
        Authenticator::using(2).registered().map(|_| ()),
        Err(PasskeyError::Kind)
    );
    assert_eq!(
        Authenticator::new().asserted(&known),
        Err(PasskeyError::Kind)
    );
}

#[test]
fn only_es256_and_short_ids_are_enrolled() {
    let rsa = Authenticator {
        alg: -257,
        ..Authenticator::new()
    };
    assert_eq!(rsa.registered().map(|_| ()), Err(PasskeyError::Key));
    for length in [0, CREDENTIAL_ID_BYTES_MAX + 1] {
        let long = Authenticator {
            id: vec![1; length],
            ..Authenticator::new()
        };
        assert_eq!(
            long.registered().map(|_| ()),
            Err(PasskeyError::CredentialId)
        );
    }
    let (x, y) = ([1; 32], [1; 32]);
    assert!(PublicKey::from_coordinates(&x, &y).is_err());
}

#[test]
fn an_attestation_holds_or_is_refused() {
    let authenticator = Authenticator::new();
    let statement = |signature: Vec<u8>| {
        let text = |text: &str| Value::Text(text.to_owned());
        Value::Map(vec![
            (text("alg"), Value::Integer((-7).into())),
            (text("sig"), Value::Bytes(signature)),
        ])
    };
    let register = |fmt: &str, statement: Value| {
        let created = authenticator.created_with(fmt, statement);
        register(&party(), &CHALLENGE, &created, String::new(), 0).map(|_| ())
    };
    register("packed", statement(authenticator.sign())).unwrap();
    let mut forged = authenticator.sign();
    *forged.last_mut().unwrap() ^= 1;
    let refused = Err(PasskeyError::Attestation);
    assert_eq!(register("packed", statement(forged)), refused);
    assert_eq!(register("none", statement(Vec::new())), refused);
    assert_eq!(register("fido-u2f", statement(Vec::new())), refused);
}

#[test]
fn nonsense_is_malformed() {
    for text in [
        "",
        "{}",
        "[1]",
        r#"{"clientDataJSON":"!","attestationObject":""}"#,
    ] {
        let registered = register(&party(), &CHALLENGE, text, String::new(), 0).map(|_| ());
        assert_eq!(registered, Err(PasskeyError::Malformed), "{text}");
        assert_eq!(
            assert(&party(), &CHALLENGE, text, &[]),
            Err(PasskeyError::Malformed)
        );
    }
    // Deep nesting and huge announced lengths end in an error, not in a crash.
    for bytes in [
        vec![0x81; 100_000],
        vec![0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert!(read_cbor::<Value>(&bytes).is_err());
    }
}

#[test]
fn in_place_of_a_password_its_user_must_be_verified() {
    let passkey = Authenticator::new().registered().unwrap();
    let known = std::slice::from_ref(&passkey);
    let verified = Authenticator {
        flags: 0b101,
        ..Authenticator::using(2)
    };
    let of = |authenticator: &Authenticator| {
        assert_verified(&party(), &CHALLENGE, &authenticator.answer(), known)
    };
    assert_eq!(of(&verified), Ok((0, 2)));
    let present = Authenticator::using(2);
    assert_eq!(of(&present), Err(PasskeyError::UserVerification));
    let said = said_of(&verified.answer());
    assert_eq!(said, Some((passkey.id.clone(), CHALLENGE)));
    assert_eq!(said_of("{}"), None);
    let options = sign_in_options(&party(), &CHALLENGE);
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["allowCredentials"], json!([]));
}
