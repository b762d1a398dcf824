//! ImgShare from outside: the binary, its HTTP interface and its files.

mod architecture;
mod bad_images;
mod bad_requests;
mod broken_disk;
mod classify;
mod crash;
mod deletion;
mod device;
mod drain;
mod likeness;
mod memory;
mod models;
mod pages;
mod pending;
mod privacy;
mod privacy_carriers;
mod refusals;
mod repair;
mod service;
mod serving;
mod staff;
mod twins;
mod upload;
mod variants;
mod verify;
