//! `/staff/statistics` and `GET /api/v1/stats`: what was counted, for staff.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use imgshare_storage::aggregates::{DAYS_AT_ONCE_MAX, Daily, DayCounts, Dimension};
use imgshare_storage::calendar::{MS_A_DAY, date, start_of};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::day_of;
use crate::app::{App, AppState};
use crate::clock;
use crate::error::{Problem, WebError};
use crate::http::visitor::Visitor;
use crate::pages::statistics as pages;
use crate::staff::{Access, Permission, Routes, STATISTICS_API, Session, me};

/// Days that are shown unless others are asked for.
const DAYS: u32 = 30;

/// Every route, with who may come to it.
#[must_use]
pub fn routes() -> Routes {
    let figures = Access::Needs(Permission::Figures);
    Routes::new()
        .at("/staff/statistics", figures, get(page))
        .at(STATISTICS_API, figures, get(api))
}

/// Which days are asked for; the last thirty without.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The first day, as `2026-11-01`.
    from: Option<String>,
    /// The last day.
    to: Option<String>,
}

impl Asked {
    fn days(&self, today: u32) -> Result<(u32, u32), WebError> {
        let day = |text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => start_of(text)
                .map(|ms| Some(day_of(ms)))
                .ok_or(WebError::MalformedForm),
        };
        let last = day(&self.to)?.unwrap_or(today).min(today);
        let first = day(&self.from)?.unwrap_or(last.saturating_sub(DAYS - 1));
        let days_max = u32::try_from(DAYS_AT_ONCE_MAX).unwrap_or(u32::MAX);
        Ok((first.max(last.saturating_sub(days_max - 1)), last))
    }
}

/// What was counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// Counts below this are told to nobody. Those of today are told in steps of
    /// it.
    count_min: u64,
    /// The oldest first; days on which nothing was counted are left out.
    days: Vec<StatsOfDay>,
}

/// What was counted on one day.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct StatsOfDay {
    /// The day (UTC), as `2026-11-26`.
    date: String,
    /// Whether the day is over, so that its numbers are the last ones.
    is_over: bool,
    /// By what was counted: `pages`, `images`, `referrers`, `statuses`,
    /// `countries`.
    counts: BTreeMap<&'static str, Counted>,
    /// Sessions of visitors who agreed to be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<Sessions>,
}

/// How often, by name.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Counted {
    /// All in sum, those without a name included.
    total: u64,
    /// The most frequent ones.
    names: BTreeMap<String, u64>,
    /// Those that have no name here: too many, too rare, or gone.
    others: u64,
}

/// Sessions of visitors who agreed to be counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// How many.
    count: u64,
    /// For how long pages were looked at, on average.
    average_seconds: u64,
}

/// What was counted, by day.
///
/// For staff who may see the figures, by the cookie of their session.
#[utoipa::path(
    get,
    path = "/api/v1/stats",
    tag = "staff",
    params(Asked),
    responses(
        (status = 200, description = "Numbers by day, rare ones withheld", body = Stats),
        (status = 400, description = "`malformed-form`: no such day", body = Problem,
            content_type = "application/problem+json"),
        (status = 401, description = "`staff-session-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 403, description = "`staff-not-permitted`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn api(
    State(app): State<AppState>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    let stats = read(&app, &asked).await?;
    let lifetime = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((lifetime, Json(stats)).into_response())
}

async fn read(app: &AppState, asked: &Asked) -> Result<Stats, WebError> {
    let now_ms = clock::now_ms();
    let today = day_of(now_ms);
    let (first, last) = asked.days(today)?;
    let this: AppState = std::sync::Arc::clone(app);
    let daily = app.with_store(move |store| {
        if last == today {
            this.statistics.write(store, now_ms)?;
        }
        this.statistics.days(store, first, last)
    });
    Ok(stats(app, &daily.await?, today))
}

fn stats(app: &App, daily: &[Daily], today: u32) -> Stats {
    let count_min = app.settings.statistics.count_min;
    let mut days: BTreeMap<u32, StatsOfDay> = BTreeMap::new();
    for daily in daily {
        let day = days.entry(daily.day).or_insert_with(|| StatsOfDay {
            date: date(u64::from(daily.day) * MS_A_DAY),
            is_over: daily.day < today,
            ..StatsOfDay::default()
        });
        if daily.dimension == Dimension::Sessions {
            day.sessions = sessions(&daily.counts, daily.day < today, count_min);
            continue;
        }
        let told = told(&daily.counts, daily.day < today, count_min);
        let counted = Counted {
            total: told.total(),
            others: told.others(),
            names: told
                .sorted()
                .into_iter()
                .map(|(name, count)| (name.to_owned(), count))
                .collect(),
        };
        day.counts.insert(daily.dimension.as_str(), counted);
    }
    Stats {
        count_min,
        days: days.into_values().collect(),
    }
}

/// What may be told of a day.
fn told(counts: &DayCounts, is_over: bool, count_min: u64) -> DayCounts {
    match (counts.is_closed(), is_over) {
        (true, _) => counts.clone(),
        (false, true) => counts.clone().withhold(count_min),
        (false, false) => counts.clone().so_far(count_min),
    }
}

/// Told when the day is over, if there were enough of them.
fn sessions(counts: &DayCounts, is_over: bool, count_min: u64) -> Option<Sessions> {
    let count = counts.of("sessions");
    (is_over && count >= count_min && count > 0).then(|| Sessions {
        count,
        average_seconds: counts.of("seconds") / count,
    })
}

async fn page(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    let stats = read(&app, &asked).await?;
    let (first, last) = asked.days(day_of(clock::now_ms()))?;
    let site = Visitor::of(&app, &headers).site;
    let day = |day: u32| date(u64::from(day) * MS_A_DAY);
    let view = pages::StatisticsView {
        from: day(first),
        to: day(last),
        count_min: stats.count_min,
        has_countries: !app.settings.statistics.countries.as_os_str().is_empty(),
        days: stats.days.iter().map(row).collect(),
        plot: pages::Plot::new(stats.days.iter().map(|day| (day.date.as_str(), views(day)))),
        tops: tops(&stats),
    };
    Ok(Html(pages::statistics(&site, &me(&session), &view)))
}

fn views(day: &StatsOfDay) -> u64 {
    day.counts.get("pages").map_or(0, |pages| pages.total)
}

fn row(day: &StatsOfDay) -> pages::DayRow {
    let statuses = day.counts.get("statuses");
    let of_class = |class: char| -> u64 {
        let names = statuses.into_iter().flat_map(|counted| &counted.names);
        let in_class = names.filter(|(name, _)| name.starts_with(class));
        in_class.map(|(_, count)| *count).sum()
    };
    let n_requests = statuses.map_or(0, |counted| counted.total);
    pages::DayRow {
        date: day.date.clone(),
        is_over: day.is_over,
        n_views: views(day),
        n_images: day.counts.get("images").map_or(0, |images| images.total),
        n_requests,
        client_errors: share(of_class('4'), n_requests),
        server_errors: share(of_class('5'), n_requests),
        sessions: day.sessions.as_ref().map_or_else(String::new, |sessions| {
            format!("{} of {} s", sessions.count, sessions.average_seconds)
        }),
    }
}

fn share(part: u64, whole: u64) -> String {
    match whole {
        0 => "0 %".to_owned(),
        // Per mille fit where the count does.
        _ => {
            let mille = u128::from(part) * 1_000 / u128::from(whole);
            format!("{}.{} %", mille / 10, mille % 10)
        }
    }
}

/// The most frequent names over all days that are told.
fn tops(stats: &Stats) -> Vec<pages::Top> {
    [
        ("pages", "Pages"),
        ("images", "Images"),
        ("referrers", "Referring sites"),
        ("countries", "Countries"),
    ]
    .map(|(dimension, title)| {
        let counted = || {
            stats
                .days
                .iter()
                .filter_map(|day| day.counts.get(dimension))
        };
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in counted().flat_map(|counted| &counted.names) {
            *sums.entry(name).or_default() += count;
        }
        let mut rows: Vec<(String, u64)> = sums
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows.truncate(20);
        pages::Top {
            title,
            is_images: dimension == "images",
            rows,
            others: counted().map(|counted| counted.others).sum(),
        }
    })
    .into()
}
