//! The result of an upload by plain form.

use askama::Template;

use super::{ImageView, OwnerLinks, Site, render, share};

/// The page that answers an upload sent without JavaScript. It is the only
/// place where the owner sees the deletion link.
pub fn uploaded(site: &Site, image: &ImageView, owner: &OwnerLinks) -> String {
    let snippets = share::snippets(image);
    render(&UploadedPage {
        site,
        return_path: None,
        image,
        owner,
        snippets,
    })
}

#[derive(Template)]
#[template(path = "uploaded.html")]
struct UploadedPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    image: &'a ImageView,
    owner: &'a OwnerLinks,
    snippets: Vec<share::Snippet>,
}
