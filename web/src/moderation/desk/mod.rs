//! Where moderators work: one image at a time, many at once, what they decided,
//! what their decisions teach, and what decides without them: rules and hash bank.
//!
//! The pages call the JSON under `/staff/api/`; what they show of an image comes
//! from [`preview`], and from nowhere else.

mod bank;
mod decided;
mod estimate;
mod kin;
mod learning;
mod notices;
mod plain;
mod plain_facts;
mod preview;
mod rules;
mod shadow_model;
mod thresholds;
mod told;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::{get, post};
use imgshare_storage::moderation::Lane;

use super::api::{QUEUE, lanes};
use crate::app::AppState;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::desk as pages;
use crate::staff::{Access, Permission, Routes, Session, me};

/// Every route, with who may come to it.
#[must_use]
pub fn routes() -> Routes {
    let queue = QUEUE;
    let clocks = Access::AnyOf(&[Permission::Notices, Permission::ChildSafety]);
    let figures = Access::Needs(Permission::Figures);
    Routes::new()
        .at("/staff/queue", queue, get(one_by_one))
        .at("/staff/queue/plain", queue, post(plain::work))
        .at(
            "/staff/grid",
            Access::Needs(Permission::ReviewInBulk),
            get(many),
        )
        .at("/staff/decided", queue, get(decided::show))
        .at("/staff/decided/undo", queue, post(decided::undo))
        .at("/staff/preview/{image}", queue, get(preview::show))
        .at("/staff/api/kin/{image}", queue, get(kin::show))
        .at("/staff/notices", clocks, get(notices::show))
        .at(
            "/staff/notices/action-filed",
            Access::Needs(Permission::Notices),
            post(notices::action_filed),
        )
        .at(
            "/staff/notices/release-hold",
            clocks,
            post(notices::release_hold),
        )
        .at(
            "/staff/bank",
            Access::Needs(Permission::HashBank),
            get(bank::show).post(bank::add),
        )
        .at(
            "/staff/bank/{hash}",
            Access::Needs(Permission::HashBank),
            get(bank::ask).post(bank::take_off),
        )
        .at(
            "/staff/rules",
            Access::Needs(Permission::Rules),
            rules::handlers(),
        )
        .at("/staff/learning", figures, get(learning::page))
        .at(
            "/staff/learning/thresholds",
            Access::Needs(Permission::Rules),
            post(thresholds::act),
        )
        .at("/staff/api/learning", figures, get(learning::what_if))
}

async fn one_by_one(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Html<String>, WebError> {
    let lanes = lanes(&session)?;
    let site = Visitor::of(&app, &headers).site;
    let bans = pages::Bans::of(
        Permission::HashBank.is_of(session.role),
        Permission::ChildSafety.is_of(session.role),
    );
    Ok(Html(pages::one_by_one(&site, &me(&session), &lanes, bans)))
}

/// Child abuse is neither decided in bulk nor shown as thumbnails.
async fn many(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Html<String>, WebError> {
    let mut lanes = lanes(&session)?;
    lanes.retain(|lane| *lane != Lane::ChildSafety);
    let site = Visitor::of(&app, &headers).site;
    let bans = Permission::HashBank.is_of(session.role);
    Ok(Html(pages::many(&site, &me(&session), &lanes, bans)))
}
