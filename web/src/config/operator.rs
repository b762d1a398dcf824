//! Settings about who runs the site, as its public pages name them.

use imgshare_storage::calendar;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Who runs the site, and who else handles data for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operator {
    /// Name of the person or company that answers for the site.
    pub name: String,
    /// Postal address, in one line.
    pub address: String,
    /// Country whose law applies.
    pub country: String,
    /// Mail address for privacy; `site.contact` stands in for it.
    pub privacy_contact: String,
    /// Mail address for reports of abuse; the one for privacy stands in for it.
    pub abuse_contact: String,
    /// Name and address of the agent who takes copyright notices.
    pub copyright_agent: String,
    /// Day, as YYYY-MM-DD, since which name, addresses or processors are other
    /// ones in a way that visitors are told of; empty for none.
    pub changed_on: String,
    /// Nobody but the operator handles data, the machine's host included.
    pub has_no_processors: bool,
    /// Companies that handle data for the operator.
    pub processors: Vec<Processor>,
}

/// A company that handles data for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    /// Its name.
    pub name: String,
    /// What it does here: "hosts the server".
    pub purpose: String,
    /// Where it does so.
    pub country: String,
    /// Address of its own privacy policy.
    pub policy: String,
}

impl Operator {
    /// The settings that the public pages need and that nobody has made yet.
    #[must_use]
    pub fn placeholders(&self, site_contact: &str) -> Vec<&'static str> {
        let has_contact = !self.privacy_contact.is_empty() || !site_contact.is_empty();
        let has_processors = self.has_no_processors || !self.processors.is_empty();
        [
            ("operator.name", !self.name.is_empty()),
            ("operator.address", !self.address.is_empty()),
            ("operator.country", !self.country.is_empty()),
            ("operator.privacy_contact", has_contact),
            ("operator.processors", has_processors),
        ]
        .into_iter()
        .filter_map(|(key, is_made)| (!is_made).then_some(key))
        .collect()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key: &str, why: &str| ConfigError::Invalid {
            key: key.to_owned(),
            why: why.to_owned(),
        };
        if !self.changed_on.is_empty() && calendar::start_of(&self.changed_on).is_none() {
            return Err(invalid(
                "operator.changed_on",
                "must be a day as YYYY-MM-DD",
            ));
        }
        if self.has_no_processors && !self.processors.is_empty() {
            let why = "must be false where operator.processors names some";
            return Err(invalid("operator.has_no_processors", why));
        }
        for Processor { name, policy, .. } in &self.processors {
            if name.is_empty() || !policy.starts_with("https://") {
                let why = "must each have a name, and a policy that starts with https://";
                return Err(invalid("operator.processors", why));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Operator {
        Operator {
            name: "Example Ltd".to_owned(),
            address: "1 Example Street".to_owned(),
            country: "Ireland".to_owned(),
            has_no_processors: true,
            ..Operator::default()
        }
    }

    #[test]
    fn p25_what_is_not_filled_in_is_named() {
        assert_eq!(Operator::default().placeholders("").len(), 5);
        assert_eq!(named().placeholders(""), ["operator.privacy_contact"]);
        assert_eq!(named().placeholders("a@img.example"), [""; 0]);
    }

    #[test]
    fn p23_a_processor_has_a_policy_of_its_own() {
        let mut operator = named();
        operator.has_no_processors = false;
        let processor = Processor {
            name: "Host".to_owned(),
            purpose: "hosts the server".to_owned(),
            country: "Ireland".to_owned(),
            policy: "https://host.example/privacy".to_owned(),
        };
        operator.processors.push(processor);
        assert!(operator.check().is_ok());
        operator.processors[0].policy = "javascript:alert(1)".to_owned();
        assert!(operator.check().is_err());
        let changed = Operator {
            changed_on: "2026-02-30".to_owned(),
            ..Operator::default()
        };
        assert!(changed.check().is_err());
    }
}
