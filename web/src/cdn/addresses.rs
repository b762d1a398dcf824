//! Every address under which something of an image may lie in a cache.

use axum::http::Uri;
use imgshare_pipeline::Format;
use imgshare_pipeline::stage::variant::{Shape, VARIANTS};
use imgshare_storage::ImageId;

use crate::variants::variant_path;

/// Where the site is reached, as caches know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// What every address begins with.
    base: String,
    /// Host, and port if it has one of its own.
    pub(super) host: String,
    /// The path that all of it lies below; mostly nothing.
    prefix: String,
}

/// One address of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The whole.
    pub url: String,
    /// Without scheme and host.
    pub path: String,
}

impl Site {
    /// The site at `base_url`; `None` when that is no address.
    #[must_use]
    pub(super) fn new(base_url: &str) -> Option<Self> {
        let uri = base_url.parse::<Uri>().ok()?;
        let host = uri.authority()?.as_str().to_owned();
        let has_user = host.contains('@');
        (!has_user && uri.query().is_none()).then(|| Self {
            base: base_url.to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            host,
        })
    }

    /// Every address of an image: the page, the original, and each variant in each
    /// format that it may have been made in. The page is kept by no cache that
    /// heeds its headers; it is here for the others.
    #[must_use]
    pub(super) fn addresses(&self, id: &ImageId, extension: &str) -> Vec<Address> {
        let mut paths = vec![format!("/{id}"), format!("/i/{id}.{extension}")];
        for variant in VARIANTS {
            let made = [Format::Jpeg, Format::Png].map(Format::extension);
            // An image that is small enough is its own variant.
            let own = (variant.shape == Shape::Fit && !made.contains(&extension))
                .then(|| format!("/i/{id}/{}.{extension}", variant.name));
            let made = [Format::Jpeg, Format::Png];
            paths.extend(made.map(|format| variant_path(id, variant.name, format)));
            paths.extend(own);
        }
        let address = |path: String| Address {
            url: format!("{}{path}", self.base),
            path: format!("{}{path}", self.prefix),
        };
        paths.into_iter().map(address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(base: &str, extension: &str) -> Vec<String> {
        let id = "3kTMd8vXqz2P".parse().unwrap();
        let addresses = Site::new(base).unwrap().addresses(&id, extension);
        addresses.into_iter().map(|address| address.path).collect()
    }

    #[test]
    fn p21_every_address_of_an_image_is_known() {
        let jpg = paths("https://img.example", "jpg");
        assert_eq!(jpg.len(), 2 + 2 * VARIANTS.len());
        for path in [
            "/3kTMd8vXqz2P",
            "/i/3kTMd8vXqz2P.jpg",
            "/i/3kTMd8vXqz2P/thumb.jpg",
            "/i/3kTMd8vXqz2P/thumb.png",
            "/i/3kTMd8vXqz2P/social-blurred.jpg",
        ] {
            assert!(jpg.iter().any(|known| known == path), "{path}");
        }
        let webp = paths("https://img.example", "webp");
        assert!(webp.contains(&"/i/3kTMd8vXqz2P.webp".to_owned()));
        assert!(webp.contains(&"/i/3kTMd8vXqz2P/small.webp".to_owned()));
        assert!(!webp.contains(&"/i/3kTMd8vXqz2P/social.webp".to_owned()));
    }

    #[test]
    fn a_site_below_a_path_keeps_it() {
        let id = "3kTMd8vXqz2P".parse().unwrap();
        let site = Site::new("https://example.org:8443/img").unwrap();
        let original = site.addresses(&id, "png").swap_remove(1);
        assert_eq!(
            original.url,
            "https://example.org:8443/img/i/3kTMd8vXqz2P.png"
        );
        assert_eq!(original.path, "/img/i/3kTMd8vXqz2P.png");
        assert_eq!(site.host, "example.org:8443");
        assert_eq!(Site::new("https://who@img.example"), None);
    }
}
