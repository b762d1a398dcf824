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
/// counts as such a one. Whether a proxy of ours wrote the header is asked before
/// a request comes this far.
pub(super) fn needs_platform(advertising: &Advertising, headers: &HeaderMap) -> bool {
    let name = advertising.country_header.as_str();
    // A proxy that adds its line to the client's leaves two, and nobody knows which.
    let mut lines = headers.get_all(name).iter();
    let said = match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        _ => None,
    };
    let is_code = |code: &&str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    said.filter(is_code)
        .is_none_or(|code| COUNTRIES.contains(&code) || UNKNOWN.contains(&code))
}
