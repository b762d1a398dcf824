//! Whom our own proxies say they speak for, and when they are believed.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};

use super::address::{ClientAddress, Peer};
use crate::config::{Http, Networks, ProxyHeader};

/// Where most proxies write it, the nearest one at the end.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Entries that are looked at, from the end. No chain of proxies is longer.
const HOPS_MAX: usize = 16;

/// Longest way through proxies that is told of, in entries of any kind.
const ENTRIES_MAX: usize = 64;

/// The proxies of the settings.
#[derive(Debug, Clone, Copy)]
pub struct Proxies<'s> {
    networks: &'s Networks,
    header: ProxyHeader,
    n_proxies: usize,
}

impl<'s> Proxies<'s> {
    /// Those of the settings.
    #[must_use]
    pub fn of(http: &'s Http) -> Self {
        Self {
            networks: &http.trusted_proxies,
            header: http.proxy_header,
            n_proxies: http.proxies,
        }
    }

    /// The client of a request. With trusted networks the chain is walked from
    /// its end for as long as who speaks is in one of them; further entries are
    /// the client's to invent. With a number of proxies the entry that far from
    /// the end counts, whoever the peer is. `None` without a connection.
    #[must_use]
    pub fn client(&self, headers: &HeaderMap, peer: Option<&Peer>) -> Option<ClientAddress> {
        let peer = peer?.client();
        if !self.networks.is_empty() {
            return Some(self.behind_networks(headers, peer));
        }
        let Some(from_the_end) = self.n_proxies.checked_sub(1) else {
            return Some(peer);
        };
        let entry = self.entries(headers).nth(from_the_end).flatten();
        Some(entry.map_or(peer, ClientAddress::new))
    }

    /// Whether what a request says of its visitor was said by a proxy of ours: who
    /// speaks is in one of the networks, or there is a number of proxies and nobody
    /// else to reach the service.
    #[must_use]
    pub fn speak(&self, peer: Option<&Peer>) -> bool {
        if self.networks.is_empty() {
            return self.n_proxies > 0;
        }
        peer.is_some_and(|peer| self.networks.contain(peer.client().exposed()))
    }

    fn behind_networks(&self, headers: &HeaderMap, peer: ClientAddress) -> ClientAddress {
        let mut speaker = peer;
        let mut entries = self.entries(headers).take(HOPS_MAX);
        while self.networks.contain(speaker.exposed()) {
            // What cannot be read names nobody: the last one known counts.
            let Some(Some(next)) = entries.next() else {
                break;
            };
            speaker = ClientAddress::new(next);
        }
        speaker
    }

    /// The chain, the nearest first; `None` for an entry that names no address.
    fn entries(&self, headers: &'s HeaderMap) -> impl Iterator<Item = Option<IpAddr>> + use<'s> {
        let is_standard = self.header == ProxyHeader::Forwarded;
        let name = match self.header {
            ProxyHeader::XForwardedFor => FORWARDED_FOR,
            ProxyHeader::Forwarded => header::FORWARDED,
        };
        let values: Vec<&str> = headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        values
            .into_iter()
            .rev()
            .flat_map(|value| value.rsplit(','))
            .take(ENTRIES_MAX)
            .map(move |entry| match is_standard {
                true => node(forwarded_for(entry)?),
                false => node(entry.trim()),
            })
    }
}

/// The `for` of one element of `Forwarded` (RFC 7239, section 4). A comma within
/// quotes is no node's, so elements may be cut at any.
fn forwarded_for(element: &str) -> Option<&str> {
    let pair = element
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = pair.1.trim();
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(value),
    }
}

/// An address with or without brackets and port (RFC 7239, section 6); `unknown`
/// and names that hide one are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let is_port = port.is_empty() || port.starts_with(':');
        return address.parse().ok().filter(|_| is_port);
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, _port) = text.rsplit_once(':')?;
    address.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(networks: &str, header: ProxyHeader, proxies: usize) -> Http {
        Http {
            trusted_proxies: networks.parse().unwrap(),
            proxy_header: header,
            proxies,
            ..Http::default()
        }
    }

    fn client(http: &Http, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = Peer::new(format!("{peer}:5000").parse().unwrap());
        let client = Proxies::of(http).client(&headers, Some(&peer)).unwrap();
        client.exposed().to_string()
    }

    const XFF: &str = "x-forwarded-for";

    #[test]
    fn nobody_is_believed_unless_we_say_so() {
        let none = http("", ProxyHeader::XForwardedFor, 0);
        let said = [(XFF, "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
        assert_eq!(client(&none, "192.0.2.1", &said), "192.0.2.1");
        let proxies = http("10.0.0.0/8", ProxyHeader::XForwardedFor, 0);
        assert_eq!(client(&proxies, "192.0.2.1", &said), "192.0.2.1");
        assert_eq!(client(&proxies, "10.0.0.1", &said), "6.6.6.6");
        // The other header passes through a proxy as the client wrote it.
        let inventive = [("forwarded", "for=6.6.6.6")];
        assert_eq!(client(&proxies, "10.0.0.1", &inventive), "10.0.0.1");
        assert!(Proxies::of(&none).client(&HeaderMap::new(), None).is_none());
    }

    #[test]
    fn a_proxy_of_ours_is_told_from_everybody_else() {
        let peer = |address: &str| Peer::new(format!("{address}:5000").parse().unwrap());
        let (ours, theirs) = (peer("10.0.0.1"), peer("192.0.2.1"));
        let networks = http("10.0.0.0/8", ProxyHeader::XForwardedFor, 0);
        assert!(Proxies::of(&networks).speak(Some(&ours)));
        assert!(!Proxies::of(&networks).speak(Some(&theirs)));
        assert!(!Proxies::of(&networks).speak(None));
        let none = http("", ProxyHeader::XForwardedFor, 0);
        assert!(!Proxies::of(&none).speak(Some(&ours)));
        let one = http("", ProxyHeader::XForwardedFor, 1);
        assert!(Proxies::of(&one).speak(Some(&theirs)));
    }

    #[test]
    fn the_chain_is_walked_from_its_end_through_our_own_alone() {
        let proxies = http("10.0.0.0/8, 2001:db8::/32", ProxyHeader::XForwardedFor, 0);
        let of = |lines: &[(&'static str, &str)]| client(&proxies, "10.0.0.1", lines);
        assert_eq!(
            of(&[(XFF, "6.6.6.6, 198.51.100.7, 10.0.0.2")]),
            "198.51.100.7"
        );
        assert_eq!(
            of(&[(XFF, "6.6.6.6"), (XFF, "198.51.100.7")]),
            "198.51.100.7"
        );
        assert_eq!(
            of(&[(XFF, "::ffff:198.51.100.7, 2001:db8::5")]),
            "198.51.100.7"
        );
        assert_eq!(of(&[(XFF, "10.0.0.3, 10.0.0.2")]), "10.0.0.3");
        assert_eq!(of(&[(XFF, "6.6.6.6, <script>")]), "10.0.0.1");
        assert_eq!(of(&[(XFF, "6.6.6.6, ")]), "10.0.0.1");
        assert_eq!(of(&[(XFF, "198.51.100.7:4711")]), "198.51.100.7");
        assert_eq!(of(&[]), "10.0.0.1");
        let endless = "10.0.0.2,".repeat(3_000) + "10.0.0.2";
        assert_eq!(of(&[(XFF, &endless)]), "10.0.0.2");
    }

    #[test]
    fn forwarded_is_read_as_the_rfc_writes_it() {
        let proxies = http("10.0.0.0/8", ProxyHeader::Forwarded, 0);
        let of = |value: &str| client(&proxies, "10.0.0.1", &[("forwarded", value)]);
        for (value, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("by=203.0.113.43; For = \"192.0.2.60:80\"", "192.0.2.60"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=6.6.6.6, for=192.0.2.60, for=10.0.0.2", "192.0.2.60"),
            ("for=6.6.6.6, for=unknown", "10.0.0.1"),
            ("for=6.6.6.6, for=_hidden", "10.0.0.1"),
            ("for=6.6.6.6, proto=https", "10.0.0.1"),
            ("for=\"[2001:db8::1\"", "10.0.0.1"),
            ("for=\"192.0.2.60", "10.0.0.1"),
        ] {
            assert_eq!(of(value), expected, "{value}");
        }
    }

    #[test]
    fn a_number_of_proxies_counts_from_the_end() {
        let of = |n, lines: &[(&'static str, &str)]| {
            client(&http("", ProxyHeader::XForwardedFor, n), "192.0.2.1", lines)
        };
        let lines = [(XFF, "6.6.6.6, 198.51.100.7"), (XFF, "10.0.0.1")];
        assert_eq!(of(0, &lines), "192.0.2.1");
        assert_eq!(of(1, &lines), "10.0.0.1");
        assert_eq!(of(2, &lines), "198.51.100.7");
        assert_eq!(of(9, &lines), "192.0.2.1");
    }
}
