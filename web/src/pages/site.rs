//! What every page knows about the site and its visitor.

use std::str::FromStr;

use super::{assets, wording};
use crate::consent::Purposes;

/// The facts of this site and the visitor's theme, shared by all pages.
#[derive(Clone, Debug)]
pub struct Site {
    /// Name shown in the header and in titles.
    pub name: String,
    /// Public address of the site, without a trailing slash.
    pub base_url: String,
    /// The visitor's choice, from the theme cookie.
    pub theme: Theme,
    /// Largest upload accepted, in bytes.
    pub upload_bytes_max: u64,
    /// Accepted formats for people, comma-separated: "JPEG, PNG".
    pub formats: &'static str,
    /// Most files one visitor can queue at once in the browser.
    pub files_per_batch_max: u32,
    /// Mail address of the operator, or an address of a page.
    pub contact: Option<String>,
    /// Whether the visitor agreed to be counted.
    pub is_counted: bool,
    /// What the visitor has still to be asked about, if anything.
    pub asks: Option<Purposes>,
}

impl Site {
    /// The address of an embedded asset, with its content hash.
    pub(super) fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }

    /// The address of one drawing of the icon sheet.
    pub(super) fn icon(&self, name: &str) -> String {
        format!("{}#{name}", self.asset("icons.svg"))
    }

    /// A URL of this site as a path, so that a page opened under another host
    /// name still loads its images under the policy `img-src 'self'`.
    pub(super) fn local<'u>(&self, url: &'u str) -> &'u str {
        match url.strip_prefix(self.base_url.as_str()) {
            Some(path) if path.starts_with('/') => path,
            _ => url,
        }
    }

    /// The media types of the formats, for the `accept` attribute.
    pub(super) fn accept(&self) -> String {
        let types: Vec<String> = self
            .formats
            .split(',')
            .map(|format| format!("image/{}", format.trim().to_ascii_lowercase()))
            .collect();
        types.join(",")
    }

    /// The upload limit for people.
    pub(super) fn upload_max(&self) -> String {
        wording::byte_size(self.upload_bytes_max)
    }
}

/// Where a contact leads: a page, or a mail address.
pub(super) fn contact_href(contact: &str) -> String {
    let is_page = contact.starts_with("https://") || contact.starts_with('/');
    if is_page {
        contact.to_owned()
    } else {
        format!("mailto:{contact}")
    }
}

/// The colours a visitor asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Whatever the visitor's device prefers.
    #[default]
    System,
    /// Light whatever the device prefers.
    Light,
    /// Dark whatever the device prefers.
    Dark,
}

impl Theme {
    /// The choices in the order they are offered.
    pub(super) const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// What the choice is called.
    pub(super) fn title(self) -> &'static str {
        match self {
            Theme::System => "Theme of this device",
            Theme::Light => "Light theme",
            Theme::Dark => "Dark theme",
        }
    }

    /// The value of the theme cookie.
    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// A theme value that names none of the themes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the theme must be system, light or dark")]
pub struct UnknownTheme;

impl FromStr for Theme {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|theme| theme.as_str() == text)
            .ok_or(UnknownTheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;

    #[test]
    fn every_theme_is_read_back_from_its_cookie() {
        for theme in Theme::ALL {
            assert_eq!(theme.as_str().parse(), Ok(theme));
        }
        assert_eq!("Dark".parse::<Theme>(), Err(UnknownTheme));
    }

    #[test]
    fn only_urls_of_this_site_become_paths() {
        let site = samples::site();
        assert_eq!(site.local("https://img.example/i/a.jpg"), "/i/a.jpg");
        assert_eq!(
            site.local("https://img.example.evil/a"),
            "https://img.example.evil/a"
        );
        assert_eq!(site.local("/i/a.jpg"), "/i/a.jpg");
    }

    #[test]
    fn formats_become_media_types() {
        assert_eq!(
            samples::site().accept(),
            "image/jpeg,image/png,image/webp,image/gif,image/avif"
        );
    }

    #[test]
    fn a_contact_is_a_mail_address_unless_it_is_a_page() {
        for (contact, href) in [
            ("privacy@img.example", "mailto:privacy@img.example"),
            ("/contact", "/contact"),
            ("https://img.example/ask", "https://img.example/ask"),
            ("javascript:alert(1)", "mailto:javascript:alert(1)"),
        ] {
            assert_eq!(contact_href(contact), href);
        }
    }
}
