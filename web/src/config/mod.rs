//! Every setting, its default and its bounds. [`load`] is the only place that
//! reads the environment.

mod abuse;
mod advertising;
mod backup;
mod cdn;
mod check;
mod clock;
mod copyright;
mod load;
mod log;
mod metrics_listen;
mod models;
mod networks;
mod operator;
mod proxy_header;
mod retention;
mod staff;
mod statistics;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use imgshare_models::scores::Thresholds;
use imgshare_pipeline::Limits as ImageLimits;
use imgshare_storage::retention::Terms;
use serde::{Deserialize, Serialize};

use crate::moderation::rules::Rule;

pub use abuse::Abuse;
pub use advertising::{AdProvider, Advertising};
pub use backup::Backup;
pub use cdn::{Cdn, Purge, PurgeMethod};
pub use clock::Clock;
pub use copyright::Copyright;
pub use load::{ConfigError, FlagValue, Overrides, load, load_from};
pub use log::{Log, LogFormat};
pub use metrics_listen::MetricsListen;
pub use models::{Models, NO_MODEL};
pub use networks::Networks;
pub use operator::{Operator, Processor};
pub use proxy_header::ProxyHeader;
pub use retention::Retention;
pub use staff::Staff;
pub use statistics::Statistics;
pub use tls::Tls;

/// The effective settings: defaults, then the TOML file, then `IMGSHARE_*`,
/// then flags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Folder of everything that is kept: images, records, weights.
    pub data: PathBuf,
    /// Address and port of the service.
    pub listen: SocketAddr,
    /// Start of every link that is handed out, without a slash at its end.
    /// Empty: `http://` and the host the client asked for.
    pub base_url: String,
    /// What classifies: `auto`, `gpu`, `cpu` or `software-gpu`.
    pub device: String,
    /// How the site presents itself.
    pub site: Site,
    /// Who runs it, as its public pages say.
    pub operator: Operator,
    /// Advertising.
    pub advertising: Advertising,
    /// Connections, bodies and caches.
    pub http: Http,
    /// A CDN in front.
    pub cdn: Cdn,
    /// Certificate and key.
    pub tls: Tls,
    /// What one upload may be.
    pub limits: Limits,
    /// How much is worked on at once.
    pub pipeline: Pipeline,
    /// The classifier and its weights.
    pub models: Models,
    /// When an image is nsfw, and what then.
    pub moderation: Moderation,
    /// Notices of copyright.
    pub copyright: Copyright,
    /// Accounts of the staff.
    pub staff: Staff,
    /// How long things are kept.
    pub retention: Retention,
    /// Where backups are, and how long.
    pub backup: Backup,
    /// The clock, for tests.
    pub clock: Clock,
    /// Records and blobs.
    pub storage: Storage,
    /// What is written about requests.
    pub log: Log,
    /// Limits for those who take more than their share.
    pub abuse: Abuse,
    /// What is counted of visitors.
    pub statistics: Statistics,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./imgshare-data"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            base_url: String::new(),
            device: "auto".to_owned(),
            site: Site::default(),
            operator: Operator::default(),
            advertising: Advertising::default(),
            http: Http::default(),
            cdn: Cdn::default(),
            tls: Tls::default(),
            limits: Limits::default(),
            pipeline: Pipeline::default(),
            models: Models::default(),
            moderation: Moderation::default(),
            copyright: Copyright::default(),
            staff: Staff::default(),
            retention: Retention::default(),
            backup: Backup::default(),
            clock: Clock::default(),
            storage: Storage::default(),
            log: Log::default(),
            abuse: Abuse::default(),
            statistics: Statistics::default(),
        }
    }
}

/// How the site presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Site {
    /// Name on every page.
    pub name: String,
    /// Address for questions and reports; empty shows none.
    pub contact: String,
    /// How many files the upload page sends in one go.
    pub files_per_batch_max: u32,
    /// Whether visitors are asked if analytics may know that two of their
    /// visits belong together. Off, nobody is asked and nothing knows.
    pub asks_for_analytics: bool,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "ImgShare".to_owned(),
            contact: String::new(),
            files_per_batch_max: 50,
            asks_for_analytics: false,
        }
    }
}

/// Connections, bodies and caches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Listener of `/metrics`, apart from the service's; `off` for none.
    pub metrics_listen: MetricsListen,
    /// Connections open at once; more wait to be accepted.
    pub connections_max: usize,
    /// Networks of our own proxies. Only who comes from one of them is believed
    /// about whom he speaks for.
    pub trusted_proxies: Networks,
    /// The header in which those proxies say it.
    pub proxy_header: ProxyHeader,
    /// Number of our own proxies, where their addresses are not known: whoever
    /// else reaches the service can then give any address for his own.
    pub proxies: usize,
    /// Time a client has for its request's header, and an idle connection stays.
    pub header_seconds_max: u64,
    /// Time a client has for a whole body.
    pub body_seconds_max: u64,
    /// Time without a single byte after which a body counts as abandoned.
    pub body_stall_seconds_max: u64,
    /// Mean rate a body must keep once the stall time has passed.
    pub body_bytes_per_second_min: u64,
    /// Time without a single byte taken after which an answer counts as unwanted.
    pub send_stall_seconds_max: u64,
    /// Time that requests in flight have to finish after SIGTERM.
    pub drain_seconds_max: u64,
    /// How long a browser keeps an image; short, so that a takedown reaches it.
    pub image_max_age_seconds: u64,
    /// How long a shared cache keeps an image; it can be purged.
    pub image_shared_max_age_seconds: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            metrics_listen: MetricsListen::default(),
            connections_max: 512,
            trusted_proxies: Networks::default(),
            proxy_header: ProxyHeader::XForwardedFor,
            proxies: 0,
            header_seconds_max: 15,
            body_seconds_max: 300,
            body_stall_seconds_max: 10,
            // 128 kbit/s: a poor mobile uplink keeps it, a client that trickles
            // bytes to hold a place in the pipeline does not.
            body_bytes_per_second_min: 16_384,
            send_stall_seconds_max: 30,
            drain_seconds_max: 30,
            image_max_age_seconds: 300,
            image_shared_max_age_seconds: 2_592_000,
        }
    }
}

/// What one upload may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Size of the file.
    pub upload_bytes_max: u64,
    /// Longest side, in pixels.
    pub side_px_max: u32,
    /// Area of a still or of one frame, in pixels.
    pub pixels_max: u64,
    /// Frames of an animation.
    pub frames_max: u32,
    /// Area of an animation's canvas times its frames, in pixels.
    pub animation_pixels_max: u64,
    /// Time one image may take from admission to its answer.
    pub image_seconds_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let image = ImageLimits::default();
        Self {
            upload_bytes_max: 40_000_000,
            side_px_max: image.side_px_max,
            pixels_max: image.pixels_max,
            frames_max: image.frames_max,
            animation_pixels_max: image.animation_pixels_max,
            image_seconds_max: image.image_time_max.as_secs(),
        }
    }
}

/// How much is worked on at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pipeline {
    /// Images inside at once; more are refused with 429.
    pub images_in_flight_max: usize,
    /// Bytes of uploads inside at once.
    pub bytes_in_flight_max: u64,
    /// Memory for decoded pixels, over all images at once. An image whose
    /// header says that it takes more by itself is refused.
    pub decode_memory_bytes_max: u64,
    /// Threads that decode and scrub; 0 takes one a core.
    pub workers: usize,
    /// Time after which an upload is answered as pending instead of waiting
    /// for its label.
    pub classify_deadline_ms: u64,
    /// How often images still pending are tried again.
    pub rescan_seconds: u64,
    /// Tries after which a pending image becomes scan-failed.
    pub rescan_attempts_max: u32,
    /// Variants (thumbnails, cards) made at once.
    pub variants_at_once_max: usize,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            images_in_flight_max: 64,
            bytes_in_flight_max: 1 << 30,
            decode_memory_bytes_max: 1 << 30,
            workers: 0,
            classify_deadline_ms: 10_000,
            rescan_seconds: 60,
            rescan_attempts_max: 5,
            variants_at_once_max: 2,
        }
    }
}

/// When an image is nsfw, and what then. A changed threshold relabels what is
/// stored, because labels are derived from the stored probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moderation {
    /// P(hentai) + P(porn) from which an image is nsfw.
    pub explicit_min: f32,
    /// P(sexy) from which an image is nsfw.
    pub sexy_min: f32,
    /// P(hentai) + P(porn) + P(sexy) from which no advertising is allowed.
    pub ads_free_min: f32,
    /// Half width of the band around a threshold that calls for a person.
    pub review_band: f32,
    /// Whether images in that band are held back in state `review`. Off, they
    /// are public with their label; on, somebody has to release them.
    pub hold_review: bool,
    /// Share of what passed that is put into the queue, unmarked, to learn what
    /// is missed.
    pub sample_rate: f32,
    /// How long a moderator keeps an image that was claimed, from the last sign
    /// of activity on.
    pub lease_minutes: u64,
    /// How long what a moderator removed can be restored.
    pub retention_days: u64,
    /// Rules that decide before the thresholds do; those that staff set stand
    /// in their place.
    pub rules: Vec<Rule>,
}

impl Default for Moderation {
    fn default() -> Self {
        let thresholds = Thresholds::default();
        Self {
            explicit_min: thresholds.explicit,
            sexy_min: thresholds.sexy,
            ads_free_min: thresholds.ads,
            review_band: thresholds.review_band,
            hold_review: false,
            sample_rate: 0.015,
            lease_minutes: 10,
            retention_days: 30,
            rules: Vec::new(),
        }
    }
}

impl Moderation {
    /// The thresholds as the models crate judges with them.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            explicit: self.explicit_min,
            sexy: self.sexy_min,
            ads: self.ads_free_min,
            review_band: self.review_band,
        }
    }

    /// The same with other thresholds.
    #[must_use]
    pub fn with_thresholds(&self, thresholds: &Thresholds) -> Self {
        Self {
            explicit_min: thresholds.explicit,
            sexy_min: thresholds.sexy,
            ads_free_min: thresholds.ads,
            review_band: thresholds.review_band,
            ..self.clone()
        }
    }
}

/// Records and blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Memory for images that are asked for often; 0 for none.
    pub cache_bytes_max: u64,
    /// Largest image that memory is spent on; larger ones are streamed.
    pub cached_image_bytes_max: u64,
    /// Room on disk for variants; the ones used longest ago go first. 0 keeps none.
    pub variant_bytes_max: u64,
    /// How often views counted in memory are written.
    pub views_merge_seconds: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            cache_bytes_max: 64 << 20,
            cached_image_bytes_max: 1 << 20,
            variant_bytes_max: imgshare_storage::VARIANT_BYTES_MAX,
            views_merge_seconds: 30,
        }
    }
}

impl Settings {
    /// How long things are kept.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            statistics_days: self.statistics.days,
            ..self.retention.terms()
        }
    }

    /// Folder of the weights.
    #[must_use]
    pub fn models_dir(&self) -> PathBuf {
        self.data.join("models")
    }

    /// The file with the key that secrets of authenticator apps are sealed under.
    #[must_use]
    pub fn second_factor_key(&self) -> PathBuf {
        self.data.join("keys").join("second-factors.key")
    }

    /// Folder of the audit's files.
    #[must_use]
    pub fn audit_dir(&self) -> PathBuf {
        self.data.join("audit")
    }

    /// Folder of the request log.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.data.join("log")
    }

    /// The limits the pipeline holds every image to.
    #[must_use]
    pub fn image_limits(&self) -> ImageLimits {
        ImageLimits {
            side_px_max: self.limits.side_px_max,
            pixels_max: self.limits.pixels_max,
            frames_max: self.limits.frames_max,
            animation_pixels_max: self.limits.animation_pixels_max,
            image_time_max: Duration::from_secs(self.limits.image_seconds_max),
        }
    }

    /// What the pipeline is started with.
    #[must_use]
    pub fn pipeline_settings(&self) -> imgshare_pipeline::Settings {
        let defaults = imgshare_pipeline::Settings::default();
        imgshare_pipeline::Settings {
            limits: self.image_limits(),
            images_in_flight_max: self.pipeline.images_in_flight_max,
            bytes_in_flight_max: self.pipeline.bytes_in_flight_max,
            decode_memory_bytes_max: self.pipeline.decode_memory_bytes_max,
            workers: match self.pipeline.workers {
                0 => defaults.workers,
                workers => workers,
            },
            classify_time_max: Duration::from_millis(self.pipeline.classify_deadline_ms),
            ..defaults
        }
    }
}
