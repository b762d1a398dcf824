//! `/staff`: what one may do.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::get;

use super::{Access, Permission, Routes, Session, clocks, safety};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::pages::staff as pages;

pub(super) fn routes() -> Routes {
    Routes::new().at("/staff", Access::SignedIn, get(home))
}

async fn home(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
) -> Result<Html<String>, WebError> {
    let mut notices = safety::notices(&app, &session).await?;
    let queues = clocks::queues(&app, &session).await?;
    notices.extend(queues.overdue);
    notices.extend(clocks::requests(&app, &session).await?);
    let site = Visitor::of(&app, &headers).site;
    let allowed: Vec<&str> = Permission::ALL
        .into_iter()
        .filter(|permission| permission.is_of(session.role))
        .map(Permission::words)
        .collect();
    let n_alerts = app.abuse.alerts(clock::now_ms()).len();
    Ok(Html(pages::home(
        &site,
        &me(&session),
        &allowed,
        &notices,
        &queues.waiting,
        n_alerts,
    )))
}

/// What every page under `/staff` shows of who is looking.
pub(crate) fn me(session: &Session) -> pages::Me {
    pages::Me {
        name: session.staff.to_string(),
        role: session.role.as_str(),
        csrf: session.csrf.clone(),
        sees_queue: [Permission::Review, Permission::ChildSafety]
            .iter()
            .any(|permission| permission.is_of(session.role)),
        sees_grid: Permission::ReviewInBulk.is_of(session.role),
        sees_abuse: Permission::Abuse.is_of(session.role),
        sees_figures: Permission::Figures.is_of(session.role),
        sees_bank: Permission::HashBank.is_of(session.role),
        sees_rules: Permission::Rules.is_of(session.role),
        sees_notices: [Permission::Notices, Permission::ChildSafety]
            .iter()
            .any(|permission| permission.is_of(session.role)),
        sees_people: Permission::People.is_of(session.role),
        sees_audit: Permission::Audit.is_of(session.role),
        sees_holds: [Permission::Holds, Permission::ChildSafety]
            .iter()
            .any(|permission| permission.is_of(session.role)),
        sees_requests: Permission::Requests.is_of(session.role),
    }
}
