//! What the integration tests stand on: the binary as a child process, an HTTP
//! client that can misbehave, pictures made by code, and searches over what a
//! server left on disk.

pub mod binary;
pub mod cache;
pub mod calendar;
pub mod carriers;
pub mod cdn;
pub mod client;
pub mod data_dir;
pub mod deadline;
pub mod decode;
pub mod exiftool;
pub mod hostile;
pub mod installation;
pub mod mount;
pub mod multipart;
pub mod picture;
pub mod random;
pub mod response;
pub mod search;
pub mod server;
pub mod skip;
pub mod staff;
pub mod totp;
