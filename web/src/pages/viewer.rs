//! The viewer page behind a short link.

use askama::Template;

use super::{ImageView, Site, render, share};
use crate::ads::Slot;

/// Size of the cards for previews, in pixels: the service makes them exactly so.
const CARD_SIZE: (u32, u32) = (1200, 630);

/// The page of one image. With `warning_shown` the image is not loaded until the
/// visitor asks for it; the preview of its link is a blurred card either way. `ad` is
/// where advertising goes, if there is any.
pub fn viewer(site: &Site, image: &ImageView, warning_shown: bool, ad: Option<&Slot>) -> String {
    let path = format!("/{}", image.id);
    render(&ViewerPage {
        site,
        return_path: Some(&path),
        image,
        warning_shown,
        ad,
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
    ad: Option<&'a Slot>,
    snippets: Vec<share::Snippet>,
}

impl ViewerPage<'_> {
    /// The card other sites may show beside the link.
    fn card(&self) -> Option<&str> {
        let image = self.image;
        image.card_url.as_deref().filter(|_| image.is_public())
    }

    fn card_width(&self) -> u32 {
        CARD_SIZE.0
    }

    fn card_height(&self) -> u32 {
        CARD_SIZE.1
    }

    /// What the card shows, for those who do not see it.
    fn card_words(&self) -> String {
        if self.image.is_nsfw() {
            "A blurred image that may not be safe for work".to_owned()
        } else {
            self.image.display_name()
        }
    }

    fn srcset(&self) -> Option<String> {
        self.image.srcset(self.site.local(&self.image.direct_url))
    }
}
