//! What holds for every page.

use super::*;
use crate::policies::Table;

/// A name that tries to break out of text, attributes and reading order.
const HOSTILE: &str = "\u{202e}\"'><script>alert(1)</script><img src=x onerror=alert(2)>&.jpg";

fn hostile_image() -> ImageView {
    ImageView {
        filename: HOSTILE.to_owned(),
        ..samples::image()
    }
}

/// Every page in every state that changes its markup, by name.
fn every_page() -> Vec<(&'static str, String)> {
    let site = samples::site();
    let owner = samples::owner();
    let (image, nsfw) = (samples::image(), samples::nsfw_image());
    let pending = ImageView {
        state: "pending".to_owned(),
        label: None,
        confidence: None,
        scores: None,
        ..samples::image()
    };
    let dark = Site {
        theme: Theme::Dark,
        contact: None,
        is_counted: false,
        ..samples::site()
    };
    let asked = Site {
        asks: Some(crate::consent::Purposes {
            analytics: true,
            advertising: true,
        }),
        ..samples::site()
    };
    let mut pages = vec![
        ("home", home(&site, None)),
        (
            "home, dark, no contact",
            home(&dark, Some(&samples::notice_of_change())),
        ),
        ("home, asked", home(&asked, None)),
        ("uploaded", uploaded(&site, &image, &owner)),
        ("uploaded, pending", uploaded(&site, &pending, &owner)),
        (
            "uploaded, hostile",
            uploaded(&site, &hostile_image(), &owner),
        ),
        ("viewer", viewer(&site, &image, false, None)),
        ("viewer, warned", viewer(&site, &nsfw, true, None)),
        ("viewer, nsfw shown", viewer(&site, &nsfw, false, None)),
        (
            "viewer, hostile",
            viewer(&site, &hostile_image(), false, None),
        ),
        ("confirm", confirm_delete(&site, "3kTMd8vXqz2P", None)),
        (
            "confirm, refused",
            confirm_delete(&site, HOSTILE, Some(HOSTILE)),
        ),
        ("deleted", deleted(&site)),
        (
            "report",
            complaints::report(&site, "3kTMd8vXqz2P", &[], (HOSTILE, HOSTILE), &[]),
        ),
        (
            "report, refused",
            complaints::report(&site, HOSTILE, &[], ("", ""), &[HOSTILE.to_owned()]),
        ),
        (
            "reported",
            complaints::reported(&site, &[(HOSTILE.to_owned(), HOSTILE.to_owned())], true),
        ),
        (
            "report status",
            complaints::report_status(&site, HOSTILE, &samples::report_status()),
        ),
        (
            "notice",
            complaints::notice(&site, &samples::notice(HOSTILE), &[HOSTILE.to_owned()]),
        ),
        (
            "counter-notice",
            complaints::counter(&site, &samples::counter(HOSTILE), &[]),
        ),
        ("owner?", complaints::ask_owner(&site, HOSTILE, None)),
        (
            "owner, restricted",
            complaints::owner(&site, &samples::owner_view(HOSTILE), Some(HOSTILE)),
        ),
        (
            "removed",
            complaints::removed(&site, 410, HOSTILE, &samples::statement(HOSTILE)),
        ),
        (
            "problem",
            problem(&site, 404, "Not found", "No image is here.", "not-found"),
        ),
        (
            "problem, hostile",
            problem(&site, 429, HOSTILE, HOSTILE, HOSTILE),
        ),
    ];
    let operator = samples::operator(HOSTILE);
    for version in Table::PUBLISHED.0 {
        let sheet = samples::sheet(&site, version, &operator);
        pages.push((version.document.title(), (version.show)(&sheet)));
    }
    pages
}

/// The text of each tag of a page, without the brackets.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<')
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
}

/// The value of an attribute within a tag.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[start..].split('"').next()
}

#[test]
fn every_page_has_a_language_a_title_and_one_main_heading() {
    for (name, page) in every_page() {
        assert!(page.starts_with("<!doctype html>"), "{name}");
        assert!(page.contains("<html lang=\"en\""), "{name}");
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert_eq!(page.matches("<main").count(), 1, "{name}");
        let title = page
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split("</title>").next());
        assert!(
            title.is_some_and(|title| title.contains("ImgShare")),
            "{name}: {title:?}"
        );
    }
}

#[test]
fn no_page_holds_inline_script_or_style() {
    for (name, page) in every_page() {
        for tag in tags(&page) {
            assert!(!tag.starts_with("style"), "{name}: {tag}");
            assert!(attribute(tag, "style").is_none(), "{name}: {tag}");
            let mut outside_of_values = tag.split('"').step_by(2);
            assert!(
                !outside_of_values.any(|part| part.contains(" on")),
                "{name}: {tag}"
            );
            if tag.starts_with("script") {
                assert!(attribute(tag, "src").is_some(), "{name}: {tag}");
            }
        }
        assert!(!page.contains("javascript:"), "{name}");
        let opened = page.matches("<script").count();
        assert_eq!(
            page.matches("\"></script>").count(),
            opened,
            "{name}: a script has content"
        );
    }
}

#[test]
fn pages_load_from_this_site_and_name_no_other_host() {
    for (name, page) in every_page() {
        let own = page.matches("https://img.example/").count();
        assert_eq!(page.matches("https://").count(), own, "{name}");
        assert!(!page.contains("http://"), "{name}");
        assert!(!page.contains("\"//"), "{name}");
        for tag in tags(&page) {
            let loaded = attribute(tag, "src").or_else(|| {
                let is_link = tag.starts_with("link") && !tag.contains("canonical");
                is_link.then(|| attribute(tag, "href")).flatten()
            });
            assert!(
                loaded.is_none_or(|path| path.starts_with('/')),
                "{name}: {tag}"
            );
        }
    }
}

#[test]
fn every_asset_a_page_names_exists() {
    for (name, page) in every_page() {
        let named = page.split("\"/assets/").skip(1);
        let paths: Vec<&str> = named
            .filter_map(|rest| rest.split(['"', '#']).next())
            .collect();
        assert!(paths.len() > 3, "{name}");
        for path in paths {
            assert!(assets::find(path).is_some(), "{name}: {path}");
        }
    }
}

#[test]
fn every_icon_a_page_names_is_drawn() {
    let sheet = include_str!("../../assets/icons.svg");
    for (name, page) in every_page() {
        for rest in page.split(".svg#").skip(1) {
            let icon = rest.split('"').next().unwrap_or_default();
            assert!(sheet.contains(&format!("id=\"{icon}\"")), "{name}: {icon}");
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    for (name, page) in every_page() {
        assert!(!page.contains("<script>"), "{name}");
        assert!(!page.contains("<img src=x"), "{name}");
    }
    let page = viewer(&samples::site(), &hostile_image(), false, None);
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("&#60;script&#62;"));
}

#[test]
fn a_warned_image_is_not_loaded() {
    let page = viewer(&samples::site(), &samples::nsfw_image(), true, None);
    assert!(!tags(&page).any(|tag| tag.starts_with("img")));
    assert!(page.contains("href=\"/3kTMd8vXqz2P?show=1\""));
    assert!(page.contains("name=\"nsfw_filter\" value=\"off\""));
    let shown = viewer(&samples::site(), &samples::nsfw_image(), false, None);
    assert!(tags(&shown).any(|tag| tag.starts_with("img")));
    assert!(shown.contains("name=\"nsfw_filter\" value=\"on\""));
}

/// What a preview of the page's link is told.
fn previewed<'p>(page: &'p str, property: &str) -> Option<&'p str> {
    let tag = tags(page).find(|tag| attribute(tag, "property") == Some(property));
    tag.and_then(|tag| attribute(tag, "content"))
}

#[test]
fn a_public_image_is_previewed_by_its_card() {
    let page = viewer(&samples::site(), &samples::image(), false, None);
    let card = "https://img.example/i/3kTMd8vXqz2P/social.jpg";
    assert_eq!(previewed(&page, "og:image"), Some(card));
    assert_eq!(previewed(&page, "og:image:width"), Some("1200"));
    assert_eq!(previewed(&page, "og:image:height"), Some("630"));
    assert_eq!(
        previewed(&page, "og:title"),
        Some("evening at the lake.jpg")
    );
    assert!(page.contains("name=\"twitter:card\" content=\"summary_large_image\""));
    let review = ImageView {
        state: "review".to_owned(),
        ..samples::image()
    };
    let page = viewer(&samples::site(), &review, false, None);
    assert_eq!(previewed(&page, "og:image"), None);
}

#[test]
fn an_nsfw_image_is_previewed_blurred_whoever_asks() {
    let card = "https://img.example/i/3kTMd8vXqz2P/social-blurred.jpg";
    for warning_shown in [true, false] {
        let page = viewer(
            &samples::site(),
            &samples::nsfw_image(),
            warning_shown,
            None,
        );
        assert_eq!(previewed(&page, "og:image"), Some(card));
        assert!(page.contains("name=\"rating\" content=\"adult\""));
    }
}

#[test]
fn the_stage_offers_smaller_renderings_of_a_photo() {
    let page = viewer(&samples::site(), &samples::image(), false, None);
    let tag = tags(&page).find(|tag| tag.starts_with("img"));
    assert_eq!(
        tag.and_then(|tag| attribute(tag, "srcset")),
        Some(
            "/i/3kTMd8vXqz2P/small.jpg 512w, /i/3kTMd8vXqz2P/medium.jpg 1280w, \
             /i/3kTMd8vXqz2P.jpg 4000w"
        )
    );
    let sizes = tag.and_then(|tag| attribute(tag, "sizes"));
    assert_eq!(sizes, Some("min(100vw, 4000px)"));
    let only = ImageView {
        renditions: Vec::new(),
        ..samples::image()
    };
    assert!(!viewer(&samples::site(), &only, false, None).contains("srcset"));
}

#[test]
fn an_image_that_is_not_served_is_not_linked_either() {
    for (state, said) in [
        ("pending", "Still being checked"),
        ("scan-failed", "Could not be checked yet"),
        ("review", "Waiting for a moderator"),
    ] {
        let hidden = ImageView {
            state: state.to_owned(),
            ..samples::image()
        };
        let page = viewer(&samples::site(), &hidden, false, None);
        assert!(page.contains(said), "{state}");
        assert!(!page.contains("/i/3kTMd8vXqz2P"), "{state}");
    }
}

#[test]
fn the_deletion_link_is_on_the_result_page_and_nowhere_else() {
    let token = samples::owner().delete_token;
    for (name, page) in every_page() {
        assert_eq!(
            page.contains(&token),
            name.starts_with("uploaded"),
            "{name}"
        );
    }
}

#[test]
fn opening_the_deletion_page_only_offers_a_form() {
    let page = confirm_delete(&samples::site(), "3kTMd8vXqz2P", Some("Wrong token."));
    assert!(page.contains("action=\"/d/3kTMd8vXqz2P\" method=\"post\""));
    assert!(page.contains("name=\"token\" required"));
    assert!(page.contains("Wrong token."));
}

#[test]
fn upload_works_as_a_plain_form() {
    let page = home(&samples::site(), None);
    let form = tags(&page).find(|tag| attribute(tag, "action") == Some("/upload"));
    let form = form.expect("the page has an upload form");
    assert_eq!(attribute(form, "method"), Some("post"));
    assert_eq!(attribute(form, "enctype"), Some("multipart/form-data"));
    assert_eq!(attribute(form, "data-bytes-max"), Some("40000000"));
    let input = tags(&page).find(|tag| attribute(tag, "type") == Some("file"));
    assert_eq!(input.and_then(|tag| attribute(tag, "name")), Some("file"));
}

#[test]
fn the_theme_is_marked_and_can_be_changed() {
    let dark = Site {
        theme: Theme::Dark,
        ..samples::site()
    };
    let page = home(&dark, None);
    assert!(page.contains("data-theme=\"dark\""));
    assert!(page.contains("value=\"dark\" aria-pressed=\"true\""));
    assert!(page.contains("value=\"system\" aria-pressed=\"false\""));
    let page = viewer(&dark, &samples::image(), false, None);
    assert!(page.contains("name=\"return\" value=\"/3kTMd8vXqz2P\""));
}

#[test]
fn only_a_problem_that_may_pass_invites_another_try() {
    let site = samples::site();
    assert!(problem(&site, 429, "Busy", "Full.", "overloaded").contains("try again"));
    let limited = problem(&site, 429, "Many", "In 4 minutes.", "too-many-complaints");
    assert!(!limited.contains("try again"));
    assert!(!problem(&site, 404, "Not found", "Gone.", "not-found").contains("try again"));
}
