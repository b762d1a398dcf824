//! Advertising, where all of it is allowed at once (P10, P23): on the page of an
//! image that is public, checked, far from nsfw and reported by nobody, to a
//! visitor who consented. The answer's content security policy names the hosts
//! of the provider only then, so that the browser enforces the same.

mod provider;
mod regions;

use axum::http::HeaderMap;
use imgshare_storage::{Record, State};

pub use provider::{AdPolicy, Slot};

use crate::app::App;
use crate::config::{Advertising, Moderation};
use crate::consent::Consent;
use crate::decision;
use crate::error::WebError;

/// Why a page has no advertising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The operator has none.
    Off,
    /// The visitor sends Global Privacy Control.
    PrivacyControl,
    /// The visitor did not consent to it.
    NoConsent,
    /// The visitor's region asks for a certified consent platform.
    Region,
    /// The image is not public.
    NotPublic,
    /// The image was not checked.
    Unscanned,
    /// The image is nsfw, or too near.
    NotSafe,
    /// The image's owner objects to it.
    Objection,
    /// Somebody reported the image, and it is not decided.
    Reported,
}

/// What the image and its visitor are, as far as advertising asks.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    advertising: &'a Advertising,
    /// With the thresholds in force, which the page's label follows too.
    moderation: &'a Moderation,
    consent: Consent,
    headers: &'a HeaderMap,
    record: &'a Record,
}

impl Asked<'_> {
    /// Every clause that can be answered without the store.
    fn check(&self) -> Result<(), Withheld> {
        let advertising = self.advertising;
        let judged = decision::judge_stored(self.moderation, self.record);
        let refuse = |is_refused: bool, why: Withheld| match is_refused {
            true => Err(why),
            false => Ok(()),
        };
        refuse(!advertising.is_on(), Withheld::Off)?;
        refuse(self.consent.has_gpc, Withheld::PrivacyControl)?;
        refuse(!self.consent.given.advertising, Withheld::NoConsent)?;
        let needs_platform = regions::needs_platform(advertising, self.headers);
        let has_platform = !advertising.consent_platform.is_empty();
        refuse(needs_platform && !has_platform, Withheld::Region)?;
        refuse(self.record.state != State::Public, Withheld::NotPublic)?;
        let Some((_, verdict)) = judged else {
            return Err(Withheld::Unscanned);
        };
        refuse(!verdict.ads_allowed, Withheld::NotSafe)?;
        refuse(self.record.ads_objection, Withheld::Objection)
    }
}

/// The place for advertising on the page of an image, or why there is none.
///
/// # Errors
/// The store's.
pub(crate) async fn slot(
    app: &App,
    consent: Consent,
    headers: &HeaderMap,
    record: &Record,
) -> Result<Result<Slot, Withheld>, WebError> {
    let moderation = app.thresholds.moderation();
    let asked = Asked {
        advertising: &app.settings.advertising,
        moderation: &moderation,
        consent,
        headers,
        record,
    };
    if let Err(why) = asked.check() {
        return Ok(Err(why));
    }
    let id = record.id;
    let case = app
        .see_complaints(move |reporting| reporting.complaints.case(&id, 0))
        .await?;
    if case.is_some_and(|(case, _)| case.outcome.is_none()) {
        return Ok(Err(Withheld::Reported));
    }
    let slot = Slot::of(&app.settings.advertising, consent);
    Ok(slot.ok_or(Withheld::Off))
}

#[cfg(test)]
pub(crate) mod tests {
    use imgshare_storage::contract::sample_record;
    use imgshare_storage::{RuledBy, Ruling, StoredLabel};

    use super::*;
    use crate::config::{AdProvider, Settings};
    use crate::consent::Purposes;

    pub(crate) fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.http.proxies = 1;
        settings.advertising = Advertising {
            provider: AdProvider::Adsense,
            client: "ca-pub-1234567890123456".to_owned(),
            slot: "1234567890".to_owned(),
            country_header: "x-country".to_owned(),
            ..Advertising::default()
        };
        settings
    }

    fn consent() -> Consent {
        let offered = Purposes {
            analytics: false,
            advertising: true,
        };
        Consent {
            given: offered,
            offered,
            is_chosen: true,
            has_gpc: false,
        }
    }

    fn image() -> Record {
        let mut record = sample_record();
        record.state = State::Public;
        let classification = record.classification.as_mut().unwrap();
        classification.probabilities = [0.01, 0.01, 0.96, 0.01, 0.01];
        record
    }

    struct Case {
        settings: Settings,
        consent: Consent,
        country: &'static str,
        record: Record,
    }

    /// What is answered when this is spoilt.
    fn told(spoil: impl FnOnce(&mut Case)) -> Result<(), Withheld> {
        let mut case = Case {
            settings: settings(),
            consent: consent(),
            country: "US",
            record: image(),
        };
        spoil(&mut case);
        let mut headers = HeaderMap::new();
        headers.insert("x-country", case.country.parse().unwrap());
        let asked = Asked {
            advertising: &case.settings.advertising,
            moderation: &case.settings.moderation,
            consent: case.consent,
            headers: &headers,
            record: &case.record,
        };
        asked.check()
    }

    #[test]
    fn p10_all_clauses_together_allow_it() {
        assert_eq!(told(|_| {}), Ok(()));
    }

    #[test]
    fn p10_it_is_off_by_default() {
        let spoilt = told(|case| case.settings.advertising = Advertising::default());
        assert_eq!(spoilt, Err(Withheld::Off));
    }

    #[test]
    fn p10_without_consent_there_is_none() {
        let spoilt = told(|case| case.consent.given = Purposes::NONE);
        assert_eq!(spoilt, Err(Withheld::NoConsent));
        let gpc = told(|case| case.consent.has_gpc = true);
        assert_eq!(gpc, Err(Withheld::PrivacyControl));
    }

    #[test]
    fn p10_where_a_certified_platform_is_needed_there_is_none_without() {
        for country in ["DE", "GB", "CH", "NO", "", "XX", "T1"] {
            let spoilt = told(|case| case.country = country);
            assert_eq!(spoilt, Err(Withheld::Region), "{country}");
            let with_platform = told(|case| {
                case.country = country;
                let platform = "https://consent.example/platform.js";
                case.settings.advertising.consent_platform = platform.to_owned();
            });
            assert_eq!(with_platform, Ok(()), "{country}");
        }
        let unknown = told(|case| case.settings.advertising.country_header.clear());
        assert_eq!(
            unknown,
            Err(Withheld::Region),
            "nobody says where the visitor is"
        );
    }

    #[test]
    fn p10_only_public_images_have_any() {
        for state in State::ALL {
            let spoilt = told(|case| case.record.state = state);
            let expected = match state {
                State::Public => Ok(()),
                _ => Err(Withheld::NotPublic),
            };
            assert_eq!(spoilt, expected, "{state:?}");
        }
    }

    #[test]
    fn p10_what_was_not_checked_has_none() {
        let spoilt = told(|case| case.record.classification = None);
        assert_eq!(spoilt, Err(Withheld::Unscanned));
    }

    #[test]
    fn p10_what_is_not_safe_or_too_near_has_none() {
        let with = |probabilities| {
            told(|case: &mut Case| {
                let said = case.record.classification.as_mut().unwrap();
                said.probabilities = probabilities;
            })
        };
        let withheld = Err(Withheld::NotSafe);
        assert_eq!(with([0.0, 0.0, 0.05, 0.9, 0.05]), withheld, "nsfw");
        // Labelled safe, and above the threshold for advertising.
        assert_eq!(with([0.0, 0.1, 0.69, 0.1, 0.11]), withheld);
        assert_eq!(with([0.0, 0.1, 0.71, 0.1, 0.09]), Ok(()));
        let ruled = told(|case| {
            case.record.ruling = Some(Ruling {
                label: StoredLabel::Nsfw,
                by: RuledBy::Staff,
                at_ms: 7,
            });
        });
        assert_eq!(ruled, withheld, "staff labelled it nsfw");
    }

    #[test]
    fn p20_what_its_owner_objects_to_is_not_there() {
        let spoilt = told(|case| case.record.ads_objection = true);
        assert_eq!(spoilt, Err(Withheld::Objection));
    }
}
