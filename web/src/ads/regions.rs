//! Where advertising needs a certified consent platform.

use axum::http::HeaderMap;

use crate::config::Advertising;

/// The European Economic Area, the United Kingdom and Switzerland, where Google
/// asks publishers for one since 2024.
const COUNTRIES: [&str; 32] = [
    "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// What proxies write where they do not know: ISO leaves these to everybody.
const UNKNOWN: [&str; 2] = ["XX", "ZZ"];

/// Whether a visitor may live where one is needed. A country that nobody names
/// counts as such a one.
pub(super) fn needs_platform(advertising: &Advertising, headers: &HeaderMap) -> bool {
    let name = advertising.country_header.as_str();
    let said = match name {
        "" => None,
        _ => headers.get(name).and_then(|value| value.to_str().ok()),
    };
    let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    said.filter(is_code)
        .is_none_or(|code| COUNTRIES.contains(&code) || UNKNOWN.contains(&code))
}
