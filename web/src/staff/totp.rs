//! Codes of an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds,
//! as every app knows them.

use imgshare_storage::staff::APP_SECRET_BYTES;
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, TOTP};

const DIGITS: usize = 6;
const STEP_SECONDS: u64 = 30;

/// The time step of the code, if the secret gives it now or one step away, and
/// no code of this step or a later one was taken before.
pub(super) fn accept(
    secret: &[u8; APP_SECRET_BYTES],
    last_step: u64,
    code: &str,
    now_ms: u64,
) -> Option<u64> {
    let code: String = code
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .collect();
    let now = now_ms / 1_000 / STEP_SECONDS;
    let totp = totp(secret);
    let mut accepted = None;
    for step in [now.saturating_sub(1), now, now.saturating_add(1)] {
        let expected = totp.generate(step.saturating_mul(STEP_SECONDS));
        let is_right = bool::from(expected.as_bytes().ct_eq(code.as_bytes()));
        if is_right && step > last_step {
            accepted = Some(step);
        }
    }
    accepted
}

/// The secret as one types it into an app: base32 in groups of four.
pub(super) fn typed(secret: &[u8; 20]) -> String {
    let text = base32(secret);
    let groups: Vec<&str> = text
        .as_bytes()
        .chunks(4)
        .map(|group| std::str::from_utf8(group).expect("base32 is ASCII"))
        .collect();
    groups.join(" ")
}

/// The address that a QR code carries to the app.
pub(super) fn uri(secret: &[u8; 20], site: &str, login: &str) -> String {
    let (site, login) = (escaped(site), escaped(login));
    let secret = base32(secret);
    format!(
        "otpauth://totp/{site}:{login}?secret={secret}&issuer={site}&algorithm=SHA1\
         &digits={DIGITS}&period={STEP_SECONDS}"
    )
}

fn totp(secret: &[u8; 20]) -> TOTP {
    // The settings are the standard's own; there is nothing to check in them.
    TOTP::new_unchecked(Algorithm::SHA1, DIGITS, 1, STEP_SECONDS, secret.to_vec())
}

/// RFC 4648; 20 bytes need no padding.
fn base32(secret: &[u8; 20]) -> String {
    totp(secret).get_secret_base32()
}

/// A text as a part of an address.
pub(super) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238's own secret, and its codes cut to six digits.
    const SECRET: [u8; 20] = *b"12345678901234567890";

    #[test]
    fn the_standards_codes_are_taken() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            let step = Some(seconds / 30);
            assert_eq!(accept(&SECRET, 0, code, seconds * 1_000), step);
            let spaced = format!(" {} {}", &code[..3], &code[3..]);
            assert_eq!(accept(&SECRET, 0, &spaced, seconds * 1_000), step);
        }
    }

    #[test]
    fn a_step_early_or_late_will_do_and_two_will_not() {
        let at = |seconds: u64| accept(&SECRET, 0, "081804", seconds * 1_000);
        let step = 1_111_111_109 / 30;
        for seconds in [step * 30 - 30, step * 30, step * 30 + 59] {
            assert_eq!(at(seconds), Some(step), "{seconds}");
        }
        for seconds in [step * 30 - 31, step * 30 + 60] {
            assert_eq!(at(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn no_code_is_taken_twice_nor_an_older_one_after_it() {
        let now_ms = 1_111_111_109_000;
        let step = now_ms / 30_000;
        assert_eq!(accept(&SECRET, step - 1, "081804", now_ms), Some(step));
        assert_eq!(accept(&SECRET, step, "081804", now_ms), None);
        assert_eq!(accept(&SECRET, step + 1, "081804", now_ms), None);
        for wrong in ["", "081805", "81804", "0818040", "٠٨١٨٠٤"] {
            assert_eq!(accept(&SECRET, 0, wrong, now_ms), None);
        }
    }

    #[test]
    fn the_secret_is_written_as_apps_read_it() {
        assert_eq!(typed(&SECRET), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let uri = uri(&SECRET, "Img & Share", "jane@x");
        assert!(
            uri.starts_with("otpauth://totp/Img%20%26%20Share:jane%40x?secret=GEZDGNBVGY3TQOJQ")
        );
    }
}
