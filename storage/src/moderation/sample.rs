//! Drawing from what passed.

use std::io;

/// Whether an image is drawn, with the given probability: from the operating
/// system's random source, so that nobody who uploads can tell or choose.
///
/// # Errors
/// When that source fails.
pub fn is_sampled(rate: f64) -> io::Result<bool> {
    let mut drawn = [0; 8];
    getrandom::fill(&mut drawn).map_err(|error| io::Error::other(error.to_string()))?;
    // 53 bits are what f64 tells apart.
    let drawn = (u64::from_le_bytes(drawn) >> 11) as f64 / (1_u64 << 53) as f64;
    Ok(drawn < rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept() {
        let n_drawn = |rate| (0..20_000).filter(|_| is_sampled(rate).unwrap()).count();
        assert_eq!((n_drawn(0.0), n_drawn(1.0)), (0, 20_000));
        // 400 expected, standard deviation 20.
        assert!((260..540).contains(&n_drawn(0.02)));
    }
}
