//! Everything a request can reach, and the router over it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::middleware::from_fn_with_state;
use imgshare_pipeline::Pipeline;
use imgshare_storage::moderation::{Bank, ModerationError, Queue, QueueSettings};
use imgshare_storage::{StorageError, Store};
use tokio::sync::Notify;
use tower_http::catch_panic::CatchPanicLayer;

use crate::abuse::Abuse;
use crate::cache::ImageCache;
use crate::clock;
use crate::complaints::Reporting;
use crate::config::Settings;
use crate::error::WebError;
use crate::http::{negotiate, observe};
use crate::metrics::Metrics;
use crate::moderation::rate::UploadRate;
use crate::moderation::rulebook::RuleBook;
use crate::moderation::shadow_model::ShadowModel;
use crate::moderation::thresholds::ThresholdBook;
use crate::policies;
use crate::request_log::RequestLog;
use crate::retention::LastLook;
use crate::routes;
use crate::staff::Staff;
use crate::statistics::Statistics;
use crate::variants::VariantMaker;

/// What every handler shares.
pub type AppState = Arc<App>;

/// The running service.
pub struct App {
    /// The effective settings.
    pub settings: Settings,
    /// Records and blobs.
    pub store: Arc<Store>,
    /// What people look at, and the hash bank.
    pub queue: Arc<Queue>,
    /// The rules in force.
    pub rules: Arc<RuleBook>,
    /// The thresholds in force.
    pub thresholds: ThresholdBook,
    /// Rung when others were set, and what is stored is to follow.
    pub relabel: Notify,
    /// Uploads of the last minute, by network.
    pub uploads: UploadRate,
    /// Rung when the hash bank has grown.
    pub bank_grew: Notify,
    /// What promises are judged by, as it was looked at last.
    pub last_look: LastLook,
    /// The data path.
    pub pipeline: Pipeline,
    /// The candidate model that looks on.
    pub shadow_model: ShadowModel,
    /// What visitors say about images.
    pub reporting: Arc<Reporting>,
    /// Hot images.
    pub cache: ImageCache,
    /// Variants in the making.
    pub variants: VariantMaker,
    /// What is counted.
    pub metrics: Metrics,
    /// Limits and blocks.
    pub abuse: Arc<Abuse>,
    /// Where requests are written down.
    pub request_log: RequestLog,
    /// What is counted of visitors.
    pub statistics: Statistics,
    /// The public documents.
    pub policies: policies::Table,
    /// What the routes under `/staff` share.
    pub staff: Staff,
    /// Rung when an image was stored unclassified.
    pub rescan: Notify,
    /// The last answer of the store's probe.
    pub store_probe: routes::health::StoreProbe,
    /// Set once the service stops.
    pub is_stopping: AtomicBool,
}

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the rules or thresholds that staff have set cannot be read.
    pub fn new(
        settings: Settings,
        store: Store,
        pipeline: Pipeline,
    ) -> Result<AppState, StorageError> {
        let rules = Arc::new(RuleBook::open(&store, &settings.moderation.rules)?);
        let thresholds = ThresholdBook::open(&store, &settings.moderation)?;
        let store = Arc::new(store.keeping_variants(settings.storage.variant_bytes_max));
        let bank = Arc::new(Bank::new(Arc::clone(&store)));
        let queue_settings = QueueSettings {
            lease_ms: settings.moderation.lease_minutes.saturating_mul(60_000),
            retention_ms: settings
                .moderation
                .retention_days
                .saturating_mul(86_400_000),
        };
        let queue = Arc::new(Queue::new(Arc::clone(&store), bank, queue_settings));
        thresholds.watch(&queue)?;
        let cache = ImageCache::new(
            settings.storage.cache_bytes_max,
            settings.storage.cached_image_bytes_max,
        );
        let abuse = Arc::new(Abuse::new(settings.abuse.clone(), clock::now_ms()));
        Ok(Arc::new(Self {
            metrics: Metrics::new(pipeline.clone(), Arc::clone(&abuse)),
            abuse,
            request_log: RequestLog::default(),
            statistics: Statistics::new(&settings.statistics),
            reporting: Arc::new(Reporting::new(
                Arc::clone(&queue),
                Arc::clone(&rules),
                settings.moderation.clone(),
            )),
            cache,
            variants: VariantMaker::new(settings.pipeline.variants_at_once_max),
            policies: policies::Table::PUBLISHED,
            staff: Staff::new(&settings),
            rescan: Notify::new(),
            store_probe: routes::health::StoreProbe::default(),
            is_stopping: AtomicBool::new(false),
            store,
            queue,
            rules,
            thresholds,
            relabel: Notify::new(),
            uploads: UploadRate::default(),
            bank_grew: Notify::new(),
            last_look: LastLook::default(),
            settings,
            pipeline,
            shadow_model: ShadowModel::default(),
        }))
    }
}

impl App {
    /// Runs a store call where it may block, and counts it when it fails.
    ///
    /// # Errors
    /// The call's own; an internal fault when it panicked.
    pub async fn with_store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, WebError> {
        let store = Arc::clone(&self.store);
        let result = tokio::task::spawn_blocking(move || call(&store))
            .await
            .map_err(|_| WebError::Internal("a store call panicked".to_owned()))?;
        result.map_err(|error| {
            if !matches!(error, StorageError::NotFound { .. }) {
                self.metrics.store_error(&error);
            }
            error.into()
        })
    }
}

impl App {
    /// Runs a call on the queue where it may block, and counts it when the store
    /// fails. What it wrote into the audit is in the audit's files when this
    /// returns.
    ///
    /// # Errors
    /// The call's own; an internal fault when it panicked.
    pub async fn with_queue<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Queue) -> Result<T, ModerationError> + Send + 'static,
    ) -> Result<T, WebError> {
        let (queue, follow) = (Arc::clone(&self.queue), self.staff.follower());
        let called = move || {
            let value = call(&queue)?;
            follow(queue.store());
            Ok::<_, ModerationError>(value)
        };
        let result = tokio::task::spawn_blocking(called)
            .await
            .map_err(|_| WebError::Internal("a call on the queue panicked".to_owned()))?;
        result.map_err(|error| {
            if let ModerationError::Storage(error) = &error {
                self.metrics.store_error(error);
            }
            error.into()
        })
    }
}

/// Every route of the service.
pub fn router(app: AppState) -> Router {
    routes::all(&app)
        .fallback(|| async { WebError::NotFound })
        .method_not_allowed_fallback(|| async { WebError::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(|_| {
            // The panic hook has logged what it was.
            axum::response::IntoResponse::into_response(WebError::Internal(
                "a handler panicked".to_owned(),
            ))
        }))
        .layer(from_fn_with_state(
            Arc::clone(&app),
            negotiate::problems_as_pages,
        ))
        .layer(routes::headers::nosniff())
        .layer(tower::util::option_layer(
            routes::headers::strict_transport(&app.settings),
        ))
        .layer(from_fn_with_state(Arc::clone(&app), observe::observe))
        .with_state(app)
}
