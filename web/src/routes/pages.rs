//! The upload page and the viewer page.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::{Html, IntoResponse, Response};
use imgshare_models::scores::Label;
use imgshare_pipeline::Format;
use imgshare_storage::retention::outlook;
use imgshare_storage::{Record, State as ImageState, Store, Views};
use serde::Deserialize;

use super::api::find_known;
use crate::ads;
use crate::app::{App, AppState};
use crate::clock;
use crate::decision;
use crate::dto::Image;
use crate::error::WebError;
use crate::http::visitor::{Visitor, cookie};
use crate::pages::{self, ImageView, ending};
use crate::policies::POLICY_SEEN_COOKIE;
use crate::variants;

/// `GET /`: the upload page, with what changed in the documents.
pub(super) async fn home(State(app): State<AppState>, headers: HeaderMap) -> Html<String> {
    let visitor = Visitor::of(&app, &headers);
    let seen = cookie(&headers, POLICY_SEEN_COOKIE);
    let changed_on = &app.settings.operator.changed_on;
    let notice = app.policies.notice(changed_on, seen, clock::now_ms());
    Html(pages::home(&visitor.site, notice.as_ref()))
}

/// What the viewer page can be asked for.
#[derive(Deserialize)]
pub(super) struct ViewerQuery {
    /// `1` shows an nsfw image this once.
    show: Option<String>,
}

/// `GET /{id}`: one image with its facts; an nsfw one behind a warning, one
/// still to be checked without its picture.
pub(super) async fn viewer(
    State(app): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<ViewerQuery>,
) -> Result<Response, WebError> {
    let record = find_known(&app, &id).await?;
    let is_view = record.state == ImageState::Public
        && method == Method::GET
        && !app.staff.is_visiting(&headers);
    let (id, now_ms) = (record.id, clock::now_ms());
    let (terms, seen) = (app.settings.terms(), record.clone());
    // What was to become of the image without this view.
    let read = move |store: &Store| {
        let outlook = outlook(store, &seen, &terms, now_ms)?;
        Ok((store.views(&id)?, outlook))
    };
    let (views, outlook) = app.with_store(read).await?;
    if is_view {
        app.store.count_view(&id, now_ms);
        app.statistics.saw_image(&id);
    }
    let visitor = Visitor::of(&app, &headers);
    let label = decision::label_of(&app.thresholds.moderation(), &record);
    let is_nsfw = label == Some(Label::Nsfw);
    let is_warned = is_nsfw && visitor.nsfw_filter && query.show.as_deref() != Some("1");
    // The original name may name a person; it is its owner's, not the link's.
    let shown_name = format!("{}.{}", record.id, record.extension);
    let mut image = view(&app, &record, &visitor, shown_name, views);
    image.ending = outlook.and_then(|outlook| ending::seen(&outlook, is_view));
    let slot = ads::slot(&app, visitor.consent, &headers, &record)
        .await?
        .ok();
    let page = pages::viewer(&visitor.site, &image, is_warned, slot.as_ref());
    let mut response = Html(page).into_response();
    if let Some(slot) = slot {
        response.extensions_mut().insert(slot.policy);
    }
    Ok(response)
}

/// An image as the pages show it.
pub(super) fn view(
    app: &App,
    record: &Record,
    visitor: &Visitor,
    filename: String,
    views: Views,
) -> ImageView {
    let facts = Image::of(record, &visitor.site.base_url, &app.thresholds.moderation());
    let scores = facts.scores.map(|scores| {
        [
            ("drawing", scores.drawing),
            ("hentai", scores.hentai),
            ("neutral", scores.neutral),
            ("porn", scores.porn),
            ("sexy", scores.sexy),
        ]
    });
    let is_public = record.state == ImageState::Public;
    let card = variants::card(&app.thresholds.moderation(), record);
    let card_path = variants::variant_path(&record.id, card, Format::Jpeg);
    ImageView {
        card_url: is_public.then(|| format!("{}{card_path}", visitor.site.base_url)),
        renditions: variants::renditions(record),
        id: facts.id,
        url: facts.url,
        direct_url: facts.direct_url,
        thumbnail_url: facts.thumbnail_url,
        filename,
        mime: facts.mime,
        bytes: facts.bytes,
        width: facts.width,
        height: facts.height,
        state: facts.state,
        label: facts.label,
        label_set_by: facts.label_set_by,
        confidence: facts.confidence,
        scores,
        uploaded_at_iso: clock::rfc3339(record.uploaded_at_ms),
        views: views.total,
        ending: None,
    }
}
