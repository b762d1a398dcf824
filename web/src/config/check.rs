//! Bounds that types alone cannot hold.

use imgshare_models::{CpuPathChoice, DeviceChoice};

use super::{ConfigError, NO_MODEL, Settings};
use crate::moderation::rules;

/// Most threads that a setting may ask for: more than any machine has cores, and few
/// enough to start.
pub(crate) const THREADS_MAX: usize = 1_024;

impl Settings {
    /// Checks what types alone cannot.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(key) = self.zero_count() {
            return refuse(key, "must be at least 1");
        }
        let threads = [
            ("models.cpu_threads", self.models.cpu_threads),
            ("pipeline.workers", self.pipeline.workers),
        ];
        for (key, count) in threads {
            if count > THREADS_MAX {
                return refuse(key, &format!("must be at most {THREADS_MAX}"));
            }
        }
        if let Some(key) = self.share_out_of_bounds() {
            return refuse(key, "must lie between 0 and 1");
        }
        let has_scheme =
            self.base_url.starts_with("http://") || self.base_url.starts_with("https://");
        if !self.base_url.is_empty() && (!has_scheme || self.base_url.ends_with('/')) {
            let why = "must start with http:// or https:// and must not end with a slash";
            return refuse("base_url", why);
        }
        let broken = self.retention.broken().or(self.backup.broken());
        if let Some((key, why)) = broken.or(self.copyright.broken()) {
            return refuse(key, why);
        }
        if !self.clock.file.is_empty() && super::clock::is_public(&self.base_url) {
            let why = "moves the clock, for tests alone: it must be empty where base_url is one \
                       that others reach";
            return refuse("clock.file", why);
        }
        self.operator.check()?;
        self.advertising.check(&self.http)?;
        self.tls.check()?;
        self.cdn.check(&self.base_url)?;
        if self.tls.is_on() && self.base_url.starts_with("http://") {
            return refuse(
                "base_url",
                "must start with https:// where tls.certificate is given",
            );
        }
        if let Err(error) = self.device.parse::<DeviceChoice>() {
            return refuse("device", &format!("is unknown: {error}"));
        }
        let memory_bytes_min = self
            .image_limits()
            .photo_memory_bytes(self.limits.upload_bytes_max);
        if self.pipeline.decode_memory_bytes_max < memory_bytes_min {
            let why = format!(
                "must be at least {memory_bytes_min}, which a photo at limits.pixels_max and \
                 limits.upload_bytes_max takes"
            );
            return refuse("pipeline.decode_memory_bytes_max", &why);
        }
        if !self.http.trusted_proxies.is_empty() && self.http.proxies > 0 {
            let why = "and http.trusted_proxies exclude each other; the second is the safe one";
            return refuse("http.proxies", why);
        }
        if let Err(error) = self.models.cpu_path.parse::<CpuPathChoice>() {
            return refuse("models.cpu_path", &format!("is unknown: {error}"));
        }
        if let Err(error) = rules::check(&self.moderation.rules) {
            return refuse("moderation.rules", &format!("cannot be used: {error}"));
        }
        if imgshare_models::manifest::find(&self.models.default).is_none() {
            let why = format!(
                "is {:?}, which is not a model of `imgshare models list`",
                self.models.default
            );
            return refuse("models.default", &why);
        }
        let beside = [
            ("models.cascade", &self.models.cascade),
            ("models.shadow", &self.models.shadow),
        ];
        for (key, model) in beside {
            let is_other_model =
                *model != self.models.default && imgshare_models::manifest::find(model).is_some();
            if model != NO_MODEL && !is_other_model {
                let why = format!(
                    "is {model:?}; it must be off, or a model of `imgshare models list` other \
                     than models.default"
                );
                return refuse(key, &why);
            }
        }
        Ok(())
    }

    /// The first of the settings that mean nothing at 0.
    fn zero_count(&self) -> Option<&'static str> {
        let Self {
            http,
            limits,
            moderation,
            pipeline,
            staff,
            storage,
            ..
        } = self;
        let counts = [
            ("http.connections_max", wide(http.connections_max)),
            ("http.header_seconds_max", http.header_seconds_max),
            ("http.body_seconds_max", http.body_seconds_max),
            ("http.body_stall_seconds_max", http.body_stall_seconds_max),
            (
                "http.body_bytes_per_second_min",
                http.body_bytes_per_second_min,
            ),
            ("http.send_stall_seconds_max", http.send_stall_seconds_max),
            ("limits.upload_bytes_max", limits.upload_bytes_max),
            ("limits.side_px_max", limits.side_px_max.into()),
            ("limits.pixels_max", limits.pixels_max),
            ("limits.frames_max", limits.frames_max.into()),
            ("limits.animation_pixels_max", limits.animation_pixels_max),
            ("limits.image_seconds_max", limits.image_seconds_max),
            (
                "pipeline.images_in_flight_max",
                wide(pipeline.images_in_flight_max),
            ),
            ("pipeline.bytes_in_flight_max", pipeline.bytes_in_flight_max),
            (
                "pipeline.classify_deadline_ms",
                pipeline.classify_deadline_ms,
            ),
            ("pipeline.rescan_seconds", pipeline.rescan_seconds),
            (
                "pipeline.variants_at_once_max",
                wide(pipeline.variants_at_once_max),
            ),
            ("storage.views_merge_seconds", storage.views_merge_seconds),
            ("moderation.lease_minutes", moderation.lease_minutes),
            ("moderation.retention_days", moderation.retention_days),
            ("statistics.count_min", self.statistics.count_min),
            ("statistics.days", self.statistics.days.into()),
            ("abuse.network_factor", self.abuse.network_factor.into()),
        ];
        counts
            .into_iter()
            .chain(staff.counts())
            .find_map(|(key, count)| (count == 0).then_some(key))
    }

    /// The first of the probabilities that is none.
    fn share_out_of_bounds(&self) -> Option<&'static str> {
        let moderation = &self.moderation;
        let shares = [
            ("moderation.explicit_min", moderation.explicit_min),
            ("moderation.sexy_min", moderation.sexy_min),
            ("moderation.ads_free_min", moderation.ads_free_min),
            ("moderation.review_band", moderation.review_band),
            ("models.cascade_band", self.models.cascade_band),
            ("models.shadow_share", self.models.shadow_share),
            ("moderation.sample_rate", moderation.sample_rate),
        ];
        let is_outside = |share: f32| !(0.0..=1.0).contains(&share);
        shares
            .into_iter()
            .find_map(|(key, share)| is_outside(share).then_some(key))
    }
}

fn refuse(key: &str, why: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Invalid {
        key: key.to_owned(),
        why: why.to_owned(),
    })
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
