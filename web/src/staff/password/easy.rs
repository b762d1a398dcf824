//! Passwords that are long and easy to guess all the same.

/// Different characters that a password must have.
const DIFFERENT_MIN: usize = 5;

/// Characters that must be left without what everybody tries first.
const LEFT_MIN: usize = 6;

/// A password that is one text again and again is no better than that text, which is
/// to have as many characters.
const REPEATED_CHARS_MIN: usize = 10;

/// What lists of stolen passwords are full of, in many spellings: words, and rows of
/// keys. The longer before what it holds.
const COMMON: [&str; 42] = [
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertzuiop",
    "1q2w3e4r5t",
    "1234567890",
    "0987654321",
    "administrator",
    "asdfghjkl",
    "moderator",
    "yxcvbnm",
    "zxcvbnm",
    "password",
    "passwort",
    "trustno1",
    "starwars",
    "superman",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "imgshare",
    "iloveyou",
    "changeme",
    "whatever",
    "michael",
    "letmein",
    "welcome",
    "charlie",
    "azerty",
    "qwerty",
    "qwertz",
    "asdfgh",
    "abc123",
    "secret",
    "monkey",
    "dragon",
    "master",
    "shadow",
    "hunter",
    "batman",
    "login",
    "admin",
];

/// Whether a password holds little that has to be guessed: besides `name`, common
/// words, rows and repetitions.
pub(super) fn holds_little(password: &str, name: &str) -> bool {
    let lower = password.to_lowercase();
    if lower.contains(&name.to_lowercase()) {
        return true;
    }
    let characters: Vec<char> = lower.chars().collect();
    let mut different = characters.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN || period(&characters) < REPEATED_CHARS_MIN {
        return true;
    }
    // As written, and with the digits that stand for letters.
    left(&lower) < LEFT_MIN || left(&unmasked(&lower)) < LEFT_MIN
}

/// The length of the shortest text that this one is repetitions of, the last one
/// perhaps cut short; its own where it repeats nothing twice.
fn period(characters: &[char]) -> usize {
    let repeats = |length: &usize| {
        let ahead = characters.get(*length..).unwrap_or_default();
        ahead
            .iter()
            .zip(characters)
            .all(|(one, other)| one == other)
    };
    let half = characters.len() / 2;
    (1..=half).find(repeats).unwrap_or(characters.len())
}

fn unmasked(text: &str) -> String {
    let letter = |character| match character {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// Characters that are left without common words, and without those that only follow
/// the one before: `abcd`, `4321`, `aaaa`.
fn left(text: &str) -> usize {
    let mut text = text.to_owned();
    for word in COMMON {
        text = text.replace(word, "");
    }
    let mut before = None;
    let mut n_left = 0;
    for character in text.chars() {
        let code = u32::from(character);
        let follows = before.is_some_and(|before: u32| before.abs_diff(code) <= 1);
        n_left += usize::from(!follows);
        before = Some(code);
    }
    n_left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_easy() {
        for easy in [
            "passwordpassword",
            "PasswordPassword1",
            "P4ssw0rdP4ssw0rd",
            "passwort12345678",
            "1234567890123",
            "qwertyuiopasdf",
            "abcdefghijklmnop",
            "abcabcabcabcabc",
            "hello hello hello",
            "letmeinletmein!!",
            "aaaaaaaaaaaaaaaa",
            "jane.doe and more",
            "admin admin 2026",
        ] {
            assert!(holds_little(easy, "jane.doe"), "{easy}");
        }
        for hard in [
            "twelve chars",
            "correct horse battery",
            "my password is a poem",
            "xk7-Tq2-9vLm",
            "äöü ßäöü éèàç",
        ] {
            assert!(!holds_little(hard, "jane.doe"), "{hard}");
        }
        assert_eq!(period(&"abcabca".chars().collect::<Vec<_>>()), 3);
        assert_eq!(period(&"abcdefg".chars().collect::<Vec<_>>()), 7);
    }
}
