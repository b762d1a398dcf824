//! Lists of networks: `10.0.0.0/8, 2001:db8::1`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Networks, written with commas between them; an address is a network too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address lies in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The first of them that has an address in common with a network.
    #[must_use]
    pub fn overlapping(&self, network: &IpNet) -> Option<&IpNet> {
        let overlaps = |ours: &&IpNet| ours.contains(network) || network.contains(*ours);
        self.0.iter().find(overlaps)
    }

    /// This machine, as it talks to itself.
    #[must_use]
    pub fn this_machine() -> Self {
        Self(vec![
            IpAddr::from([127, 0, 0, 1]).into(),
            IpAddr::from(std::net::Ipv6Addr::LOCALHOST).into(),
        ])
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, network) in self.0.iter().enumerate() {
            let comma = if idx == 0 { "" } else { ", " };
            write!(formatter, "{comma}{network}")?;
        }
        Ok(())
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim);
        let networks = parts.filter(|part| !part.is_empty()).map(|part| {
            let network = part.parse::<IpNet>();
            let network = network.or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| {
                format!("`{part}` is neither an address nor a network such as 10.0.0.0/8")
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_as_it_is_written() {
        let networks: Networks = " 10.0.0.0/8,2001:db8::1 ,".parse().unwrap();
        assert_eq!(networks.to_string(), "10.0.0.0/8, 2001:db8::1/128");
        assert_eq!(networks.to_string().parse::<Networks>().unwrap(), networks);
        for (address, is_in) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("11.1.2.3", false),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
        ] {
            assert_eq!(
                networks.contain(address.parse().unwrap()),
                is_in,
                "{address}"
            );
        }
        for (network, ours) in [
            ("10.9.0.0/16", Some("10.0.0.0/8")),
            ("8.0.0.0/5", Some("10.0.0.0/8")),
            ("11.0.0.0/8", None),
            ("2001:db8::/48", Some("2001:db8::1/128")),
        ] {
            let found = networks.overlapping(&network.parse().unwrap());
            let found = found.map(ToString::to_string);
            assert_eq!(found.as_deref(), ours, "{network}");
        }
        assert!("".parse::<Networks>().unwrap().is_empty());
        assert!("10.0.0.0/33".parse::<Networks>().is_err());
    }
}
