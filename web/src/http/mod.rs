//! What HTTP itself asks for, whatever is served: connections, bodies, ranges,
//! conditions, visitors, one log line a request.

pub mod address;
pub mod body;
pub mod conditional;
pub mod delivery;
pub mod filename;
pub mod form_page;
pub mod multipart;
pub mod negotiate;
pub mod observe;
pub mod proxies;
pub mod range;
pub mod referrer;
pub mod server;
pub mod visitor;
