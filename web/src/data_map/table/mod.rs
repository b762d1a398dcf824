//! The rows of the data map, one file a part of the service.

mod browser;
mod complaints;
mod files;
mod images;
mod law;
mod logs;
mod moderation;
mod staff;

use super::Row;

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        images::ROWS,
        files::ROWS,
        logs::ROWS,
        moderation::ROWS,
        complaints::ROWS,
        law::ROWS,
        staff::ROWS,
        browser::ROWS,
    ]
    .into_iter()
    .flatten()
}
