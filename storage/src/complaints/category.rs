//! What a report can be about, and what follows from it: one table.

use serde::{Deserialize, Serialize};

use crate::moderation::Lane;

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What a report is about. Stored by name: never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Labelled safe and is not, or the other way round.
    WronglyLabelled,
    /// Against the law.
    Illegal,
    /// Sexual abuse of a child.
    ChildAbuse,
    /// An intimate image shown without consent.
    IntimateImage,
    /// Against somebody's copyright.
    Copyright,
    /// Against somebody's privacy.
    Privacy,
    /// The person shown, or who uploaded it, is under 13.
    UnderAge,
    /// Spam and fraud.
    Spam,
    /// Anything else.
    Other,
}

/// What follows from a category.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consequence {
    /// By when it must be decided, from the first report on.
    pub due_ms: u64,
    /// What a report of an unknown reporter weighs in the queue.
    pub weight: f32,
    /// Whose eyes it is for.
    pub lane: Lane,
    /// Whether the image leaves the public at once and is held as evidence.
    pub hides: bool,
}

impl Category {
    /// Every category, as the form lists them.
    pub const ALL: [Self; 9] = [
        Self::WronglyLabelled,
        Self::Illegal,
        Self::ChildAbuse,
        Self::IntimateImage,
        Self::Copyright,
        Self::Privacy,
        Self::UnderAge,
        Self::Spam,
        Self::Other,
    ];

    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WronglyLabelled => "wrongly-labelled",
            Self::Illegal => "illegal",
            Self::ChildAbuse => "child-abuse",
            Self::IntimateImage => "intimate-image",
            Self::Copyright => "copyright",
            Self::Privacy => "privacy",
            Self::UnderAge => "under-age",
            Self::Spam => "spam",
            Self::Other => "other",
        }
    }

    /// The category of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == name)
    }

    /// What follows from it.
    ///
    /// 48 hours for intimate images are the TAKE IT DOWN Act's; the others are
    /// our own: a day where a child is in danger, three where the law waits,
    /// five for a copyright notice ("expeditiously"), a week for privacy, two
    /// weeks for the rest.
    #[must_use]
    pub fn consequence(self) -> Consequence {
        let general = |due_ms, weight| Consequence {
            due_ms,
            weight,
            lane: Lane::General,
            hides: false,
        };
        match self {
            Self::ChildAbuse => Consequence {
                due_ms: DAY_MS,
                weight: 10.0,
                lane: Lane::ChildSafety,
                hides: true,
            },
            Self::IntimateImage => general(48 * HOUR_MS, 6.0),
            // What a child uploaded or shows is deleted promptly (P22).
            Self::UnderAge => general(DAY_MS, 6.0),
            Self::Illegal => general(3 * DAY_MS, 4.0),
            Self::Copyright => general(5 * DAY_MS, 2.0),
            Self::Privacy => general(7 * DAY_MS, 2.0),
            Self::WronglyLabelled | Self::Spam | Self::Other => general(14 * DAY_MS, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_has_one_name() {
        for category in Category::ALL {
            let name = category.as_str();
            assert_eq!(Category::named(name), Some(category));
            assert_eq!(
                serde_json::to_string(&category).unwrap(),
                format!("\"{name}\"")
            );
        }
        assert_eq!(Category::named("nudes"), None);
    }

    #[test]
    fn p22_clocks_are_those_of_the_law() {
        let due = |category: Category| category.consequence().due_ms;
        assert_eq!(due(Category::IntimateImage), 48 * 3_600_000);
        assert!(
            Category::ALL
                .iter()
                .all(|category| due(*category) >= due(Category::ChildAbuse))
        );
        assert_eq!(due(Category::UnderAge), DAY_MS, "p22: nothing is sooner");
        let hiding: Vec<Category> = Category::ALL
            .into_iter()
            .filter(|category| category.consequence().hides)
            .collect();
        assert_eq!(hiding, [Category::ChildAbuse]);
    }
}
