//! The ready-made texts people paste elsewhere. The browser's twin is `words.js`.

use super::ImageView;

/// One text to copy, with the name it goes by.
pub(super) struct Snippet {
    /// Name in the markup, for scripts.
    pub(super) key: &'static str,
    /// Name for people.
    pub(super) title: &'static str,
    /// The text itself.
    pub(super) text: String,
}

/// The links and snippets of one image: links first, then markup.
///
/// The file name is left out on purpose: it may name a person or a place, and
/// a pasted snippet travels further than the viewer page.
pub(super) fn snippets(image: &ImageView) -> Vec<Snippet> {
    let ImageView {
        url,
        direct_url,
        width,
        height,
        ..
    } = image;
    let html = format!(
        r#"<a href="{url}"><img src="{direct_url}" width="{width}" height="{height}" alt=""></a>"#
    );
    fill([
        url.clone(),
        direct_url.clone(),
        format!("[![]({direct_url})]({url})"),
        html,
        format!("[url={url}][img]{direct_url}[/img][/url]"),
    ])
}

/// The same fields without text, for the browser to fill.
pub(super) fn blank_snippets() -> Vec<Snippet> {
    fill(Default::default())
}

fn fill(texts: [String; 5]) -> Vec<Snippet> {
    const FIELDS: [(&str, &str); 5] = [
        ("link", "Link"),
        ("direct", "Direct link"),
        ("markdown", "Markdown"),
        ("html", "HTML"),
        ("bbcode", "BBCode"),
    ];
    let named = FIELDS.into_iter().zip(texts);
    named
        .map(|((key, title), text)| Snippet { key, title, text })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;

    #[test]
    fn each_snippet_leads_to_the_viewer_and_shows_the_image() {
        let made = snippets(&samples::image());
        let text_of = |key: &str| {
            made.iter()
                .find(|snippet| snippet.key == key)
                .map(|snippet| snippet.text.as_str())
        };
        let direct = "https://img.example/i/3kTMd8vXqz2P.jpg";
        let page = "https://img.example/3kTMd8vXqz2P";
        assert_eq!(text_of("link"), Some(page));
        assert_eq!(text_of("direct"), Some(direct));
        assert_eq!(
            text_of("markdown"),
            Some(format!("[![]({direct})]({page})").as_str())
        );
        let html = format!(
            r#"<a href="{page}"><img src="{direct}" width="4000" height="3000" alt=""></a>"#
        );
        assert_eq!(text_of("html"), Some(html.as_str()));
        let bbcode = format!("[url={page}][img]{direct}[/img][/url]");
        assert_eq!(text_of("bbcode"), Some(bbcode.as_str()));
    }
}
