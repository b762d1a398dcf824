//! The fixed list of variants.

/// One entry of the fixed list of variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariantSpec {
    /// Its name in links and on disk.
    pub name: &'static str,
    /// Widest it may be, in pixels.
    pub width_max: u32,
    /// Highest it may be, in pixels.
    pub height_max: u32,
    /// What is made of the picture within that size.
    pub shape: Shape,
}

/// What a variant makes of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The picture in its proportions, never larger than it is.
    Fit,
    /// A card of exactly that size with the whole picture in its middle, never
    /// enlarged, on a plain ground. Previews of links crop what has another
    /// shape than theirs, and a portrait cropped to a strip loses its head.
    Card,
    /// A card of exactly that size that keeps nothing of the picture but a few
    /// colours.
    BlurredCard,
    /// The picture in its proportions, in greys so coarse that nobody and no
    /// detail can be made out.
    Veiled,
}

/// What Facebook, X and others show beside a link: 1.91 to 1.
const CARD_SIZE: (u32, u32) = (1200, 630);

/// Every variant there is. The list is fixed so that nobody can ask for work
/// without end.
pub const VARIANTS: [VariantSpec; 5] = [
    // A card in a grid, at twice the density of a 160 px column.
    fit("thumb", 320),
    // The viewer page on a small window.
    fit("small", 512),
    // The viewer page on a laptop.
    fit("medium", 1280),
    card("social", Shape::Card),
    // For what may not be shown unasked.
    card("social-blurred", Shape::BlurredCard),
];

/// What staff see of an image before they ask for more. It is none of
/// [`VARIANTS`]: nobody else may ask for it.
pub const VEILED: VariantSpec = VariantSpec {
    name: "staff-veiled",
    width_max: 480,
    height_max: 480,
    shape: Shape::Veiled,
};

const fn fit(name: &'static str, side_max: u32) -> VariantSpec {
    VariantSpec {
        name,
        width_max: side_max,
        height_max: side_max,
        shape: Shape::Fit,
    }
}

const fn card(name: &'static str, shape: Shape) -> VariantSpec {
    VariantSpec {
        name,
        width_max: CARD_SIZE.0,
        height_max: CARD_SIZE.1,
        shape,
    }
}

impl VariantSpec {
    /// The size of a picture of this width and height within the variant: in
    /// its proportions, never larger than it is, at least one pixel a side.
    #[must_use]
    pub fn fitted(&self, width: u32, height: u32) -> (u32, u32) {
        let (width_max, height_max) = (self.width_max, self.height_max);
        if width <= width_max && height <= height_max {
            return (width, height);
        }
        let rounded = |length: u32, numerator: u32, denominator: u32| {
            let (numerator, denominator) = (u64::from(numerator), u64::from(denominator));
            let scaled = (u64::from(length) * numerator + denominator / 2) / denominator;
            u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
        };
        if u64::from(width) * u64::from(height_max) >= u64::from(height) * u64::from(width_max) {
            (width_max, rounded(height, width_max, width))
        } else {
            (rounded(width, height_max, height), height_max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_fit_a_path() {
        assert!(VARIANTS.iter().all(|spec| spec.name != VEILED.name));
        for (spec_idx, spec) in VARIANTS.iter().enumerate() {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(spec.name.bytes().all(plain), "{}", spec.name);
            assert!(
                VARIANTS[..spec_idx]
                    .iter()
                    .all(|other| other.name != spec.name)
            );
        }
    }

    #[test]
    fn the_proportions_are_kept_and_nothing_grows() {
        let thumb = VARIANTS[0];
        assert_eq!(thumb.fitted(640, 480), (320, 240));
        assert_eq!(thumb.fitted(480, 640), (240, 320));
        assert_eq!(thumb.fitted(3264, 2448), (320, 240));
        assert_eq!(thumb.fitted(320, 320), (320, 320));
        assert_eq!(thumb.fitted(321, 320), (320, 319));
        assert_eq!(thumb.fitted(40, 24), (40, 24));
        assert_eq!(thumb.fitted(12_000, 1), (320, 1));
        assert_eq!(thumb.fitted(1, 12_000), (1, 320));
        let social = VARIANTS[3];
        assert_eq!(social.fitted(4000, 3000), (840, 630));
        assert_eq!(social.fitted(4000, 1000), (1200, 300));
        assert_eq!(social.fitted(100, 100), (100, 100));
    }
}
