//! Where a request comes from, with as little of it as will do.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};

use crate::app::AppState;

/// Where proxies write whom they speak for, the nearest one at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of a connection, as the accept loop knows it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// An address without the part that tells one subscriber from the next: IPv4
/// loses its last octet, IPv6 keeps its first 48 bits, IPv4 within IPv6 is IPv4.
/// The only form of an address that anything keeps, if only in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnonymizedIp(IpAddr);

impl AnonymizedIp {
    /// What is left of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
            }
        })
    }

    /// What is left of the address of a request's client.
    #[must_use]
    pub fn of_request<B>(request: &Request<B>, n_proxies: usize) -> Self {
        let peer = request.extensions().get::<Peer>().copied();
        Self::of(client(request.headers(), peer, n_proxies))
    }

    /// Its 16 bytes, IPv4 mapped into IPv6.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        }
    }
}

impl fmt::Display for AnonymizedIp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The client of a request: the peer, or whom so many of our own proxies say
/// they speak for. Further entries are the client's to invent. Requests without
/// any address share one.
fn client(headers: &HeaderMap, peer: Option<Peer>, n_proxies: usize) -> IpAddr {
    let unknown = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let peer = peer.map_or(unknown, |Peer(address)| address.ip());
    let Some(from_the_end) = n_proxies.checked_sub(1) else {
        return peer;
    };
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let forwarded = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','))
        .nth(from_the_end);
    let address = forwarded.and_then(|text| text.trim().parse().ok());
    address.unwrap_or(peer)
}

impl FromRequestParts<AppState> for AnonymizedIp {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>().copied();
        let n_proxies = app.settings.http.proxies;
        Ok(Self::of(client(&parts.headers, peer, n_proxies)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(address: &str) -> String {
        AnonymizedIp::of(address.parse().unwrap()).to_string()
    }

    #[test]
    fn p04_an_address_loses_what_names_a_subscriber() {
        assert_eq!(shown("203.0.113.77"), "203.0.113.0");
        assert_eq!(shown("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(shown("::ffff:203.0.113.77"), "203.0.113.0");
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let peer = Some(Peer("192.0.2.1:5000".parse().unwrap()));
        let mut headers = HeaderMap::new();
        let of = |headers: &HeaderMap, n| client(headers, peer, n).to_string();
        assert_eq!(of(&headers, 0), "192.0.2.1");
        assert_eq!(of(&headers, 1), "192.0.2.1");
        headers.append(FORWARDED_FOR, "6.6.6.6, 198.51.100.7".parse().unwrap());
        headers.append(FORWARDED_FOR, "10.0.0.1".parse().unwrap());
        assert_eq!(of(&headers, 0), "192.0.2.1");
        assert_eq!(of(&headers, 1), "10.0.0.1");
        assert_eq!(of(&headers, 2), "198.51.100.7");
        assert_eq!(of(&headers, 9), "192.0.2.1");
        headers.append(FORWARDED_FOR, "<script>".parse().unwrap());
        assert_eq!(of(&headers, 1), "192.0.2.1");
        assert_eq!(client(&HeaderMap::new(), None, 0).to_string(), "0.0.0.0");
    }
}
