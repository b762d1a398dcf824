//! What was counted of visitors, as a page.

use askama::Template;

use super::staff::Me;
use super::{Site, render};

/// One day in the table.
#[derive(Debug)]
pub struct DayRow {
    /// The day.
    pub date: String,
    /// Whether it is over.
    pub is_over: bool,
    /// Pages that were shown.
    pub n_views: u64,
    /// Images that were looked at.
    pub n_images: u64,
    /// Requests that were answered.
    pub n_requests: u64,
    /// Share of requests that were wrong.
    pub client_errors: String,
    /// Share of requests that we failed.
    pub server_errors: String,
    /// Sessions and their length, or nothing.
    pub sessions: String,
}

/// The most frequent names.
#[derive(Debug)]
pub struct Top {
    /// Of what.
    pub title: &'static str,
    /// Whether the names lead to images.
    pub is_images: bool,
    /// The most frequent first.
    pub rows: Vec<(String, u64)>,
    /// What has no name.
    pub others: u64,
}

/// The plot's inner size; its margins are the template's.
const PLOT: (f64, f64) = (560.0, 160.0);

/// A bar of the plot.
#[derive(Debug)]
pub struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    title: String,
}

/// A number for each day, as bars.
#[derive(Debug)]
pub struct Plot {
    bars: Vec<Bar>,
    most: u64,
    first: String,
    last: String,
}

impl Plot {
    /// Of days with their numbers.
    pub fn new<'d>(days: impl Iterator<Item = (&'d str, u64)>) -> Self {
        let days: Vec<(&str, u64)> = days.collect();
        let most = days.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let width = PLOT.0 / (days.len().max(1) as f64);
        let bar = |(place, (date, count)): (usize, &(&str, u64))| {
            let height = PLOT.1 * *count as f64 / most.max(1) as f64;
            Bar {
                x: width * place as f64,
                y: PLOT.1 - height,
                width: (width - 1.0).max(0.5),
                height,
                title: format!("{date}: {count}"),
            }
        };
        let named = |day: Option<&(&str, u64)>| day.map_or("", |(date, _)| *date).to_owned();
        Self {
            bars: days.iter().enumerate().map(bar).collect(),
            most,
            first: named(days.first()),
            last: named(days.last()),
        }
    }
}

/// What the page knows.
#[derive(Debug)]
pub struct StatisticsView {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Counts below this are told to nobody.
    pub count_min: u64,
    /// Whether countries are counted.
    pub has_countries: bool,
    /// The oldest first.
    pub days: Vec<DayRow>,
    /// Pages by day.
    pub plot: Plot,
    /// The most frequent names.
    pub tops: Vec<Top>,
}

/// The page.
pub fn statistics(site: &Site, me: &Me, view: &StatisticsView) -> String {
    render(&StatisticsPage {
        site,
        return_path: Some("/staff/statistics"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/statistics.html")]
struct StatisticsPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a StatisticsView,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_within_their_frame() {
        let plot = Plot::new([("2026-11-25", 10), ("2026-11-26", 5)].into_iter());
        assert_eq!((plot.bars[0].height, plot.bars[1].height), (160.0, 80.0));
        assert_eq!((plot.bars[1].x, plot.most), (280.0, 10));
        assert!(Plot::new(std::iter::empty()).bars.is_empty());
        let still = Plot::new([("2026-11-25", 0)].into_iter());
        assert_eq!(still.bars[0].height, 0.0);
    }
}
