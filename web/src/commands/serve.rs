//! `imgshare serve`: everything that must stand before the first request, and
//! everything that must be done after the last.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use imgshare_pipeline::Pipeline;
use imgshare_pipeline::topology::MakeClassifier;
use imgshare_storage::audit::{Anchor, Reconciled};
use imgshare_storage::request_log::Segments;
use imgshare_storage::staff as storage_staff;
use imgshare_storage::{StorageError, Store};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{CommandError, output, shutdown, warnings, weights};
use crate::abuse;
use crate::app::{self, App, AppState};
use crate::cdn::{self, Cdn};
use crate::clock;
use crate::complaints;
use crate::config::Settings;
use crate::http::server::tls::Certificates;
use crate::http::server::{self, ConnectionLimits};
use crate::moderation::thresholds::ThresholdBook;
use crate::moderation::{bank_control, keeper, relabel, shadow_model};
use crate::rescan;
use crate::retention;
use crate::routes::health;
use crate::staff::vault::{self, Vault};
use crate::staff::{self, control};
use crate::statistics;

/// Connections that a metrics listener needs.
const METRICS_CONNECTIONS_MAX: usize = 16;

/// Time that tasks beside the requests have to hear of the end.
const TASKS_TIME_MAX: Duration = Duration::from_secs(1);

/// Time that a candidate model has for the image that it looks at, at the end.
const CANDIDATE_TIME_MAX: Duration = Duration::from_secs(2);

pub(super) fn run(settings: Settings) -> Result<ExitCode, CommandError> {
    // The cheap refusals come first: an address in use, a folder in use.
    let listener = listen(settings.listen, "--listen")?;
    let metrics_listener = match settings.http.metrics_listen.0 {
        Some(address) => Some(listen(address, "--metrics-listen")?),
        None => None,
    };
    let certificates = match settings.tls.is_on() {
        true => Some(Arc::new(Certificates::load(&settings.tls)?)),
        false => None,
    };
    let cdn = Cdn::load(&settings)?;
    for warning in warnings::of(&settings) {
        tracing::warn!("{warning}");
    }
    let failed = store_failed(&settings);
    let store = Store::open_or_repair(&settings.data, clock::now_ms()).map_err(&failed)?;
    cdn::announce(&store, cdn.is_some(), clock::now_ms()).map_err(&failed)?;
    let anchor = anchor(&settings, &store)?;
    let candidate = weights::shadow(&settings);
    let pipeline = start_pipeline(&settings, &store, candidate.is_ok())?;
    let runtime = Builder::new_multi_thread()
        .thread_name("imgshare-http")
        .enable_all()
        .build()
        .map_err(CommandError::System)?;
    let app = App::new(settings, store, pipeline).map_err(&failed)?;
    // Before the first upload, which would wait for the whole bank.
    app.queue.bank().load()?;
    app.staff.anchor_in(anchor);
    start_log(&app)?;
    seal_secrets(&app)?;
    start_candidate(&app, candidate)?;
    let listeners = Listeners {
        service: listener,
        metrics: metrics_listener,
        certificates,
        cdn,
    };
    let served = runtime.block_on(serve(Arc::clone(&app), listeners));
    // A store call that hangs on a broken disk must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| ExitCode::SUCCESS)
}

/// What a store says, as the command's failure.
fn store_failed(settings: &Settings) -> impl Fn(StorageError) -> CommandError + use<> {
    let data = settings.data.clone();
    move |source| CommandError::Store {
        source,
        data: data.clone(),
    }
}

/// The second model is asked by the thresholds that are in force at the start.
/// Images are drawn for a candidate model only where there is one to look at them.
fn start_pipeline(
    settings: &Settings,
    store: &Store,
    has_candidate: bool,
) -> Result<Pipeline, CommandError> {
    let book = ThresholdBook::open(store, &settings.moderation);
    let book = book.map_err(store_failed(settings))?;
    let in_force = Settings {
        moderation: (*book.moderation()).clone(),
        ..settings.clone()
    };
    let shadow = settings.models.shadow_draw();
    let pipeline = imgshare_pipeline::Settings {
        shadow: shadow.filter(|_| has_candidate),
        ..settings.pipeline_settings()
    };
    weights::start_pipeline(&in_force, pipeline)
}

/// Lets the candidate model look on, if there is to be one. It decides nothing,
/// so the service runs without it as well.
fn start_candidate(
    app: &App,
    made: Result<Option<MakeClassifier>, CommandError>,
) -> Result<(), CommandError> {
    let settled = shadow_model::settle(&app.queue, &app.settings.models, clock::now_ms());
    let run = settled.map_err(store_failed(&app.settings))?;
    app.staff.follower()(&app.store);
    let started = match made {
        Ok(None) => return Ok(()),
        Ok(Some(make)) => app
            .pipeline
            .start_shadow(make)
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(reason) = &started {
        tracing::error!(%reason, "the candidate model cannot look on; nothing else changes");
    }
    if let Some(run) = run {
        app.shadow_model.begin(run, started);
    }
    Ok(())
}

/// Makes the audit's files and the database agree, or says that they do not.
fn anchor(settings: &Settings, store: &Store) -> Result<Anchor, CommandError> {
    let opened = Anchor::open(&settings.audit_dir(), store, clock::now_ms());
    let (anchor, reconciled) = opened.map_err(store_failed(settings))?;
    match reconciled {
        Reconciled::Agree => {}
        Reconciled::Restored { n_entries } => tracing::error!(
            n_entries,
            "the database had lost entries of the audit; they were put back from its files"
        ),
        Reconciled::FilesRestored { n_entries } => tracing::error!(
            n_entries,
            "the audit's files had lost their last lines; the database put them back"
        ),
        Reconciled::Diverged => tracing::error!(
            "the database and the audit's files tell different things: one was replaced. The \
             files were put aside; `imgshare audit verify` tells more"
        ),
    }
    Ok(anchor)
}

/// Opens the request log and the database of countries, if there are to be any.
fn start_log(app: &App) -> Result<(), CommandError> {
    let opened = app.statistics.open_countries();
    opened.map_err(|error| CommandError::Argument(error.to_string()))?;
    if !app.settings.log.requests {
        return Ok(());
    }
    let segments = Segments::open(&app.settings.log_dir());
    let segments = segments.map_err(store_failed(&app.settings))?;
    let counters = app.metrics.log_counters().clone();
    app.request_log
        .start(segments, counters)
        .map_err(CommandError::System)
}

/// Seals what apps share with us, and says whose app proves nothing because its
/// key is not here.
fn seal_secrets(app: &App) -> Result<(), CommandError> {
    let path = app.settings.second_factor_key();
    let vault = Vault::read_or_make(&path)?;
    let (name, path) = (vault.name(), path.display());
    let unreadable = vault::unreadable(&*app.store, Some(&vault));
    let unreadable = unreadable.map_err(store_failed(&app.settings))?;
    if !unreadable.is_empty() {
        let names: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
        tracing::error!(
            staff = names.join(", "),
            "the authenticator apps of these accounts were sealed under another key than {path} \
             ({name}): put the old file back and start again, or run `imgshare admin \
             reset-second-factor NAME` for each; passkeys and recovery codes still work"
        );
    }
    app.staff
        .seal_with(vault, &*app.store)
        .map_err(|error| CommandError::Admin(error.to_string()))
}

fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, CommandError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| CommandError::Listen {
        address,
        flag,
        source,
    })
}

/// Where the service is reached, with what certificates, and what stands in front.
struct Listeners {
    service: TcpListener,
    metrics: Option<TcpListener>,
    certificates: Option<Arc<Certificates>>,
    cdn: Option<Cdn>,
}

async fn serve(app: AppState, listeners: Listeners) -> Result<(), CommandError> {
    let stop = shutdown::on_signal().map_err(CommandError::System)?;
    let listener = tokio(listeners.service)?;
    let metrics = listeners.metrics.map(tokio).transpose()?;
    let address = listener.local_addr().map_err(CommandError::System)?;
    let http = &app.settings.http;
    let limits = ConnectionLimits {
        connections_max: http.connections_max,
        header_time_max: Duration::from_secs(http.header_seconds_max),
        send_stall_time_max: Duration::from_secs(http.send_stall_seconds_max),
        drain_time_max: Duration::from_secs(http.drain_seconds_max),
    };
    let mut tasks = keepers(&app, &stop);
    if let Some(certificates) = listeners.certificates.clone() {
        tasks.spawn(certificates.keep(stop.clone()));
    }
    if let Some(cdn) = listeners.cdn {
        tasks.spawn(cdn::keep(Arc::clone(&app), cdn, stop.clone()));
    }
    if let Some(listener) = metrics {
        tasks.spawn(serve_metrics(
            Arc::clone(&app),
            listener,
            limits,
            stop.clone(),
        ));
    }
    announce(&app, address)?;

    let router = app::router(Arc::clone(&app));
    let certificates = listeners.certificates;
    let (n_cut, ()) = tokio::join!(
        server::serve(listener, router, limits, certificates, stop.clone()),
        note_stop(Arc::clone(&app), stop)
    );
    if n_cut > 0 {
        tracing::warn!(n_cut, "connections were cut: they did not finish in time");
    }
    drain(&app, limits.drain_time_max).await;
    // The last flush comes behind the last writer.
    end(tasks).await;
    flush(&app).await;
    Ok(())
}

/// What runs beside the requests until the service stops.
fn keepers(app: &AppState, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let this = || Arc::clone(app);
    let stop = || stop.clone();
    tasks.spawn(rescan::run(this(), stop()));
    tasks.spawn(keeper::run(this(), stop()));
    tasks.spawn(relabel::run(this(), stop()));
    tasks.spawn(bank_control::serve(this(), stop()));
    tasks.spawn(merge_views(this(), stop()));
    tasks.spawn(complaints::keep(this(), stop()));
    tasks.spawn(staff::keep(this(), stop()));
    tasks.spawn(retention::keep(this(), stop()));
    tasks.spawn(retention::control::serve(this(), stop()));
    tasks.spawn(control::serve(this(), stop()));
    tasks.spawn(bank_control::serve(this(), stop()));
    tasks.spawn(abuse::keep(this(), stop()));
    tasks.spawn(statistics::keep(this(), stop()));
    tasks
}

/// Waits a while for tasks that have heard of the end, then cuts them: a command
/// that is answered through a socket may go on for minutes.
async fn end(mut tasks: JoinSet<()>) {
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(TASKS_TIME_MAX, ended).await.is_err() {
        tracing::info!(
            n_tasks = tasks.len(),
            "what went on in the background is cut"
        );
        tasks.shutdown().await;
    }
}

fn tokio(listener: TcpListener) -> Result<tokio::net::TcpListener, CommandError> {
    tokio::net::TcpListener::from_std(listener).map_err(CommandError::System)
}

fn announce(app: &App, address: SocketAddr) -> Result<(), CommandError> {
    let device = app.pipeline.device();
    let data = app.settings.data.display();
    let scheme = app.settings.tls.scheme();
    let second = app
        .pipeline
        .second_model()
        .map_or_else(String::new, |spec| {
            format!(", and with {} where that leaves a doubt", spec.id)
        });
    output::line(format_args!(
        "ImgShare is ready on {scheme}://{address}\n  classifies on {device} with {}{second}\n  keeps everything in {data}",
        app.pipeline.model().id
    ))?;
    if clock::is_moved() {
        output::line("  THE CLOCK IS MOVED by clock.file: for tests alone")?;
    }
    let http = &app.settings.http;
    let is_behind_nobody = !http.has_proxies();
    if !app.settings.base_url.is_empty() && address.ip().is_loopback() && is_behind_nobody {
        tracing::warn!(
            "base_url is set and this machine alone is listened to: if a proxy stands in front, \
             set http.trusted_proxies, or its visitors are neither told apart nor limited"
        );
    }
    let origin = control::origin_at(&app.settings, address);
    output::line(format_args!("  staff log in at {origin}/staff"))?;
    let has_staff = storage_staff::accounts(&*app.store).is_ok_and(|staff| !staff.is_empty());
    if !has_staff {
        output::line("  no staff yet: imgshare admin invite --role admin")?;
    }
    let is_safe = staff::n_child_safety(&*app.store).is_ok_and(|n_there| n_there > 0);
    if has_staff && !is_safe {
        output::line("  nobody for child safety: imgshare admin invite --role child-safety")?;
    }
    tracing::info!(%address, %device, "ready");
    Ok(())
}

/// `/readyz` says no from the moment the service stops accepting.
async fn note_stop(app: AppState, mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    app.is_stopping.store(true, Relaxed);
}

async fn serve_metrics(
    app: AppState,
    listener: tokio::net::TcpListener,
    limits: ConnectionLimits,
    stop: watch::Receiver<bool>,
) {
    let router = Router::new()
        .route("/metrics", get(health::metrics))
        .with_state(app);
    let limits = ConnectionLimits {
        connections_max: METRICS_CONNECTIONS_MAX,
        ..limits
    };
    server::serve(listener, router, limits, None, stop).await;
}

async fn merge_views(app: AppState, mut stop: watch::Receiver<bool>) {
    let period = Duration::from_secs(app.settings.storage.views_merge_seconds);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(period) => {}
        }
        if let Err(error) = app.with_store(Store::merge_views).await {
            tracing::warn!(%error, "views could not be written; they are kept in memory");
        }
    }
}

/// After the last answer: candidate model and pipeline end.
async fn drain(app: &AppState, drain_time_max: Duration) {
    let this = Arc::clone(app);
    let stopped = tokio::task::spawn_blocking(move || this.shadow_model.stop(CANDIDATE_TIME_MAX));
    if !matches!(stopped.await, Ok(true)) {
        tracing::warn!("the candidate model did not finish in time");
    }
    let pipeline = app.pipeline.clone();
    let drained = tokio::task::spawn_blocking(move || pipeline.drain(drain_time_max)).await;
    if !matches!(drained, Ok(true)) {
        tracing::warn!("the pipeline did not finish in time");
    }
}

/// What was counted in memory is written, and everything flushed.
async fn flush(app: &AppState) {
    if let Err(error) = app.with_queue(|queue| queue.merge_uploads()).await {
        tracing::warn!(%error, "the last uploads are not counted for the candidates");
    }
    let this = Arc::clone(app);
    let flushed = app.with_store(move |store| {
        // What one of them cannot write keeps none of the others.
        let views = store.merge_views();
        let statistics = this.statistics.write(store, clock::now_ms());
        this.request_log.stop();
        let flushed = store.flush();
        views?;
        statistics?;
        flushed
    });
    match flushed.await {
        Ok(()) => tracing::info!("stopped"),
        Err(error) => tracing::error!(%error, "not everything that was counted could be written"),
    }
}
