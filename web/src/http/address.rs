//! Where a request comes from, with as little of it as will do.
//!
//! [`ClientAddress`] is the whole address: it is used for limits and thrown away
//! with the request. [`AnonymizedIp`] is the only form that anything keeps.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use serde::{Serialize, Serializer};

use crate::app::AppState;

/// The other end of a connection, as the accept loop knows it. It cannot be
/// shown, logged or serialised.
#[derive(Clone, Copy)]
pub struct Peer(SocketAddr);

impl Peer {
    /// The other end of a connection.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Its address.
    #[must_use]
    pub fn client(self) -> ClientAddress {
        ClientAddress::new(self.0.ip())
    }
}

/// The whole address of a client, in memory for as long as its request is. It
/// cannot be shown, logged or serialised: what may be is [`Self::anonymized`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// An address, IPv4 within IPv6 as IPv4.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// What may be kept of it.
    #[must_use]
    pub fn anonymized(self) -> AnonymizedIp {
        AnonymizedIp::of(self.0)
    }

    /// What tells one subscriber from the next, for keyed hashes alone: an IPv4
    /// address, or the network of 64 bits that an IPv6 subscriber has at least.
    #[must_use]
    pub(crate) fn subscriber(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).octets()
            }
        }
    }

    /// The address itself, to look it up in lists of networks.
    #[must_use]
    pub(crate) fn exposed(self) -> IpAddr {
        self.0
    }
}

/// An address without the part that tells one subscriber from the next: IPv4
/// loses its last octet, IPv6 keeps its first 48 bits, IPv4 within IPv6 is IPv4.
/// The only form of an address that anything keeps.
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

    /// What is left of a client's address. Clients without any share one.
    #[must_use]
    pub fn of_client(client: Option<ClientAddress>) -> Self {
        client.map_or(
            Self::of(Ipv4Addr::UNSPECIFIED.into()),
            ClientAddress::anonymized,
        )
    }

    /// Its 16 bytes, IPv4 mapped into IPv6.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        }
    }

    /// The network that is left, as lists of blocks write it.
    #[must_use]
    pub fn network(&self) -> String {
        let prefix = if self.0.is_ipv4() { 24 } else { 48 };
        format!("{}/{prefix}", self.0)
    }
}

impl fmt::Display for AnonymizedIp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Serialize for AnonymizedIp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The client that [`super::observe`] found out; `None` for requests that came
/// over no connection.
pub(crate) fn client(extensions: &Extensions) -> Option<ClientAddress> {
    extensions.get::<ClientAddress>().copied()
}

impl FromRequestParts<AppState> for AnonymizedIp {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self::of_client(client(&parts.extensions)))
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;

    fn shown(address: &str) -> String {
        AnonymizedIp::of(address.parse().unwrap()).to_string()
    }

    #[test]
    fn p04_an_address_loses_what_names_a_subscriber() {
        assert_eq!(shown("203.0.113.77"), "203.0.113.0");
        assert_eq!(shown("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
        assert_eq!(shown("::ffff:203.0.113.77"), "203.0.113.0");
        let v4 = AnonymizedIp::of("203.0.113.77".parse().unwrap());
        assert_eq!(v4.network(), "203.0.113.0/24");
        assert_eq!(serde_json::to_string(&v4).unwrap(), "\"203.0.113.0\"");
    }

    /// Says of a type whether it has a trait: the inherent constant is taken
    /// where its bound holds, the trait's where not.
    struct Probe<T>(PhantomData<T>);

    trait Without {
        const IS_SHOWN: bool = false;
        const IS_DEBUGGED: bool = false;
        const IS_SERIALIZED: bool = false;
    }
    impl<T> Without for T {}

    macro_rules! probe {
        ($name:ident, $bound:path) => {
            impl<T: $bound> Probe<T> {
                const $name: bool = true;
            }
        };
    }
    probe!(IS_SHOWN, fmt::Display);
    probe!(IS_DEBUGGED, fmt::Debug);
    probe!(IS_SERIALIZED, Serialize);

    #[test]
    fn p04_a_whole_address_cannot_be_logged_or_written() {
        const WHOLE: [bool; 6] = [
            Probe::<ClientAddress>::IS_SHOWN,
            Probe::<ClientAddress>::IS_DEBUGGED,
            Probe::<ClientAddress>::IS_SERIALIZED,
            Probe::<Peer>::IS_SHOWN,
            Probe::<Peer>::IS_DEBUGGED,
            Probe::<Peer>::IS_SERIALIZED,
        ];
        assert_eq!(WHOLE, [false; 6]);
        const ANONYMIZED: [bool; 3] = [
            Probe::<AnonymizedIp>::IS_SHOWN,
            Probe::<AnonymizedIp>::IS_DEBUGGED,
            Probe::<AnonymizedIp>::IS_SERIALIZED,
        ];
        assert_eq!(ANONYMIZED, [true; 3], "the probe sees what is there");
    }

    #[test]
    fn a_subscriber_is_an_address_or_a_network_of_64_bits() {
        let of = |text: &str| ClientAddress::new(text.parse().unwrap()).subscriber();
        assert_eq!(of("::ffff:203.0.113.77"), of("203.0.113.77"));
        assert_ne!(of("203.0.113.77"), of("203.0.113.78"));
        assert_eq!(of("2001:db8:1:2::5"), of("2001:db8:1:2:ffff::6"));
        assert_ne!(of("2001:db8:1:2::5"), of("2001:db8:1:3::5"));
    }
}
