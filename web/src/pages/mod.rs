//! The pages a browser sees: view types in, HTML text out.
//!
//! Nothing here knows HTTP or storage. Every page works without JavaScript;
//! the modules under `assets/` add progress, several files, drop and paste.
//! No page holds an inline script or style, so a strict content security
//! policy can stand.

pub mod assets;
pub mod bank;
pub mod complaints;
pub mod data_map;
pub mod decided;
mod deletion;
pub mod desk;
pub mod ending;
mod home;
mod image_view;
pub mod learning;
pub mod notices;
pub mod policies;
mod problem;
pub mod promises;
pub mod rules;
mod share;
mod site;
pub mod staff;
pub mod statistics;
mod uploaded;
mod viewer;
mod wording;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use deletion::{confirm_delete, deleted};
pub use home::home;
pub use image_view::{ImageView, OwnerLinks};
pub use problem::problem;
pub use site::{Site, Theme, UnknownTheme};
pub use uploaded::uploaded;
pub use viewer::viewer;

/// Renders a page into text.
fn render(page: &impl askama::Template) -> String {
    page.render()
        .expect("writing a page into memory cannot fail")
}
