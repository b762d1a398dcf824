//! web's readers of requests.

#[path = "../../../web/src/http/body.rs"]
pub mod body;
#[path = "../../../web/src/http/filename.rs"]
pub mod filename;
#[path = "../../../web/src/http/multipart.rs"]
pub mod multipart;
#[path = "../../../web/src/http/range.rs"]
pub mod range;
