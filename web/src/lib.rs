//! The service: HTTP, pages and commands around the pipeline and the store.
//!
//! Read [`app`] first: the parts and the router. [`ingest`] is where an upload
//! becomes a durable image, [`routes`] holds the handlers, [`mod@http`] what HTTP
//! itself asks for, [`error`] the one map from failures to answers, [`commands`]
//! what the binary can do. Only this crate knows axum, tokio, clap and the
//! environment.

pub mod abuse;
pub mod ads;
pub mod app;
pub mod cache;
pub mod cached_image;
pub mod cdn;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod complaints;
pub mod config;
pub mod consent;
mod control_socket;
pub mod data_map;
pub mod decision;
pub mod dto;
pub mod error;
pub mod http;
pub mod ingest;
pub mod logging;
pub mod metrics;
pub mod moderation;
pub mod pages;
pub mod policies;
pub mod promises;
pub mod request_log;
pub mod rescan;
pub mod retention;
pub mod routes;
pub mod staff;
pub mod statistics;
pub mod variants;

#[cfg(test)]
mod service_tests;
