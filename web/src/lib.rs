//! The service: HTTP, pages and commands around the pipeline and the store.
//!
//! [`ingest`] is the data path's two ends, [`app`] the router, [`routes`] the
//! handlers, [`commands`] what the binary can do. Only this crate knows axum,
//! tokio, clap and the environment.

pub mod app;
pub mod body;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod conditional;
pub mod config;
pub mod decision;
pub mod delivery;
pub mod dto;
pub mod error;
pub mod filename;
pub mod ingest;
pub mod logging;
pub mod metrics;
pub mod multipart;
pub mod negotiate;
pub mod observe;
pub mod pages;
pub mod range;
pub mod rescan;
pub mod routes;
pub mod server;
pub mod thumbnails;
pub mod visitor;

#[cfg(test)]
mod service_tests;
