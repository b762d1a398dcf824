//! What is counted of visitors: numbers by day, without a trace of anybody (P5,
//! P9).
//!
//! Pages, images, referring sites and statuses are counted from requests as
//! they come; nothing is remembered of who sent them. Countries and lengths of
//! sessions are counted for those alone who agreed to it, and a session is
//! measured by the visitor's own browser, which sends one number.

mod countries;
pub(crate) mod page;
mod tally;
mod visit;

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use imgshare_storage::aggregates::{self, Daily, Dimension};
use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::{ImageId, Keyspace, StorageError, Store};
use tokio::sync::watch;

pub use countries::CountriesError;
pub use page::routes;
pub(crate) use visit::visit;

use crate::app::AppState;
use crate::clock;
use crate::config;
use crate::http::address::ClientAddress;
use crate::http::referrer::Referrer;
use crate::http::visitor;
use countries::Countries;
use tally::Tally;

/// How often what was counted is written.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// How often, in such periods, what is old is looked for.
const EXPIRE_PERIODS: u32 = 60;

/// A page that is open for longer without a sign of it is left, in seconds.
const VISIT_SECONDS_MAX: u64 = 30 * 60;

/// The counters of today.
#[derive(Debug)]
pub struct Statistics {
    settings: config::Statistics,
    countries: OnceLock<Countries>,
    tally: Mutex<Tally>,
    is_resumed: AtomicBool,
}

/// A request, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The route.
    pub route: &'a str,
    /// Whether it was a GET.
    pub is_get: bool,
    /// The answer's status.
    pub status: u16,
    /// Whether the answer is a page.
    pub is_page: bool,
    /// Where it came from.
    pub referrer: Option<&'a Referrer>,
    /// The country of a visitor who agreed to be counted.
    pub country: Option<&'a str>,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl Statistics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(settings: &config::Statistics) -> Self {
        Self {
            settings: settings.clone(),
            countries: OnceLock::new(),
            tally: Mutex::new(Tally::default()),
            is_resumed: AtomicBool::new(false),
        }
    }

    /// Opens the operator's database of countries, if the settings name one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_countries(&self) -> Result<(), CountriesError> {
        let path: &Path = &self.settings.countries;
        if !path.as_os_str().is_empty() {
            // Opened once, at the start of the service.
            let _ = self.countries.set(Countries::open(path)?);
        }
        Ok(())
    }

    /// Counts a request.
    pub fn saw(&self, seen: &Seen<'_>) {
        if !self.settings.enabled || seen.route.starts_with("/staff") {
            return;
        }
        let mut tally = self.tally(seen.at_ms);
        tally.add(Dimension::Statuses, status(seen.status), 1);
        let was_served = seen.is_get && seen.status < 400;
        if was_served && let Some(host) = seen.referrer.and_then(Referrer::host) {
            tally.add(Dimension::Referrers, host, 1);
        }
        if was_served && seen.is_page && seen.status == 200 {
            tally.add(Dimension::Pages, seen.route, 1);
            if let Some(country) = seen.country {
                tally.add(Dimension::Countries, country, 1);
            }
        }
    }

    /// Counts a look at a public image.
    pub fn saw_image(&self, id: &ImageId) {
        if self.settings.enabled {
            let mut tally = self.tally(clock::now_ms());
            tally.add(Dimension::Images, id.as_str(), 1);
        }
    }

    /// Counts what a visitor's browser has measured: 0 where a session begins,
    /// else for how many seconds a page was looked at.
    fn saw_visit(&self, seconds: u64) {
        if !self.settings.enabled {
            return;
        }
        let mut tally = self.tally(clock::now_ms());
        match seconds {
            0 => tally.add(Dimension::Sessions, "sessions", 1),
            _ => tally.add(
                Dimension::Sessions,
                "seconds",
                seconds.min(VISIT_SECONDS_MAX),
            ),
        }
    }

    /// The country of a visitor who agreed to be counted; the address is looked
    /// up and left.
    pub(crate) fn country(
        &self,
        headers: &HeaderMap,
        client: Option<ClientAddress>,
    ) -> Option<Cow<'static, str>> {
        let countries = self.countries.get()?;
        visitor::agrees_to_analytics(headers)
            .then(|| countries.of(client?))
            .flatten()
            .map(Cow::Owned)
    }

    /// Writes what was counted since the start of today, and of days that are
    /// over.
    ///
    /// # Errors
    /// When it cannot be written; it stays counted in memory.
    pub fn write(&self, keys: &dyn Keyspace, now_ms: u64) -> Result<(), StorageError> {
        if !self.settings.enabled {
            return Ok(());
        }
        if !self.is_resumed.load(Ordering::Relaxed) {
            // What an earlier process counted today.
            let day = day_of(now_ms);
            for dimension in Dimension::ALL {
                if let Some(counts) = aggregates::read(keys, day, dimension)? {
                    self.tally(now_ms).resume(dimension, &counts);
                }
            }
            self.is_resumed.store(true, Ordering::Relaxed);
        }
        let counted = self.tally(now_ms).counted();
        let written = aggregates::write(keys, &counted);
        if written.is_ok() {
            self.tally(now_ms).written();
        }
        written
    }

    /// Takes the ids of images that are not public any more out of what is to be
    /// written; their views stay counted.
    ///
    /// # Errors
    /// The store's.
    pub fn forget_gone_images(&self, store: &Store, now_ms: u64) -> Result<(), StorageError> {
        let names = self.tally(now_ms).names(Dimension::Images);
        for name in aggregates::gone_images(store, names.iter().map(String::as_str))? {
            self.tally(now_ms).forget(Dimension::Images, &name);
        }
        Ok(())
    }

    /// What is kept from the first to the last day, today's as it was last
    /// written.
    fn days(&self, keys: &dyn Keyspace, first: u32, last: u32) -> Result<Vec<Daily>, StorageError> {
        aggregates::range(keys, first, last)
    }

    fn tally(&self, now_ms: u64) -> MutexGuard<'_, Tally> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.begin(day_of(now_ms));
        tally
    }
}

/// Writes what was counted, closes days that are over and removes what is old,
/// until the service stops.
pub(crate) async fn keep(app: AppState, mut stop: watch::Receiver<bool>) {
    for period in (0..EXPIRE_PERIODS).cycle() {
        let this = Arc::clone(&app);
        let kept = app.with_store(move |store| keep_once(&this, store, period == 0));
        if let Err(error) = kept.await {
            tracing::warn!(%error, "statistics could not be written; they are kept in memory");
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(WRITE_EVERY) => {}
        }
    }
}

fn keep_once(app: &AppState, store: &Store, expires: bool) -> Result<(), StorageError> {
    let now_ms = clock::now_ms();
    let settings = &app.settings.statistics;
    app.statistics.forget_gone_images(store, now_ms)?;
    app.statistics.write(store, now_ms)?;
    let today = day_of(now_ms);
    aggregates::close_before(store, today, settings.count_min)?;
    if expires {
        aggregates::forget_gone_images(store, today)?;
    }
    Ok(())
}

/// The day of a moment, counted from 1970-01-01.
pub(crate) fn day_of(ms: u64) -> u32 {
    u32::try_from(ms / MS_A_DAY).unwrap_or(u32::MAX)
}

/// A status as a name; those that HTTP does not know share one.
fn status(status: u16) -> &'static str {
    const KNOWN: [(u16, &str); 32] = [
        (200, "200"),
        (201, "201"),
        (202, "202"),
        (204, "204"),
        (206, "206"),
        (303, "303"),
        (304, "304"),
        (307, "307"),
        (308, "308"),
        (400, "400"),
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (405, "405"),
        (406, "406"),
        (408, "408"),
        (409, "409"),
        (410, "410"),
        (412, "412"),
        (413, "413"),
        (414, "414"),
        (415, "415"),
        (416, "416"),
        (422, "422"),
        (429, "429"),
        (431, "431"),
        (451, "451"),
        (500, "500"),
        (502, "502"),
        (503, "503"),
        (504, "504"),
        (507, "507"),
    ];
    let known = KNOWN.iter().find(|(number, _)| *number == status);
    known.map_or("other", |(_, name)| name)
}

#[cfg(test)]
mod tests;
