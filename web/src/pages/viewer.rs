//! The viewer page behind a short link.

use askama::Template;

use super::{ImageView, Site, render, share};

/// Largest file named as the preview of a link. Readers of such previews give
/// up on larger ones (X stops at 5 MB), so those get the thumbnail.
const PREVIEW_BYTES_MAX: u64 = 5_000_000;

/// The page of one image. With `warning_shown` the image is neither loaded nor
/// previewed until the visitor asks for it.
pub fn viewer(site: &Site, image: &ImageView, warning_shown: bool) -> String {
    let path = format!("/{}", image.id);
    render(&ViewerPage {
        site,
        return_path: Some(&path),
        image,
        warning_shown,
        snippets: share::snippets(image),
    })
}

#[derive(Template)]
#[template(path = "viewer.html")]
struct ViewerPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    image: &'a ImageView,
    warning_shown: bool,
    snippets: Vec<share::Snippet>,
}

impl ViewerPage<'_> {
    /// The image other sites may show beside the link: none for nsfw.
    fn preview(&self) -> Option<&str> {
        let image = self.image;
        if image.is_nsfw() || self.warning_shown || !image.is_public() {
            return None;
        }
        let small = image.bytes <= PREVIEW_BYTES_MAX;
        Some(if small {
            &image.direct_url
        } else {
            &image.thumbnail_url
        })
    }
}
