//! The domain that passkeys are made for.

use axum::http::{HeaderMap, Uri, header};

use super::transport::Transport;
use super::webauthn::RelyingParty;
use crate::app::App;

/// The relying party of this request; `None` where browsers make no passkeys:
/// they want a domain, and either TLS or this machine's own name.
pub(super) fn of(app: &App, headers: &HeaderMap) -> Option<RelyingParty> {
    let name = app.settings.site.name.clone();
    match &app.staff.transport {
        Transport::Tls { origin } => {
            let uri: Uri = origin.parse().ok()?;
            let id = uri.host()?.to_owned();
            let authority = uri.authority()?;
            let is_address = id.starts_with('[') || id.parse::<std::net::IpAddr>().is_ok();
            (!is_address).then(|| RelyingParty {
                id,
                origin: format!("https://{authority}"),
                name,
            })
        }
        // Only the name that no other machine can have is taken from a request.
        Transport::Loopback => {
            let host = headers.get(header::HOST)?.to_str().ok()?;
            let domain = host.split(':').next()?;
            (domain == "localhost").then(|| RelyingParty {
                id: domain.to_owned(),
                origin: format!("http://{host}"),
                name,
            })
        }
        Transport::Plain => None,
    }
}
