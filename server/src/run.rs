//! The life of one server: open the node, serve until told to stop, close. [`Opened`] alone serves commands that work
//! on a data directory without a listener.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use kymo_engine::Error;
use kymo_engine::node::{Node, Recovery};
use kymo_engine::storage::LocalStorage;
use kymo_engine::store::Upkeep;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::clock::now_ms;
use crate::config::Config;
use crate::grpc;
use crate::http::{Peer, jaeger, loki, otlp, router, tempo};
use crate::listener::{BoundedListener, CONNECTIONS_MAX, idle_max};
use crate::options::node_options;

/// How far merges stand behind other threads, of 19.
const MERGE_NICENESS: i32 = 10;

/// How often maintenance looks for work.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);

/// How long requests in work may take to end once the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

const THREAD_STACK_BYTES: usize = 16 << 20;

/// Why a server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The listener could not be bound.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: String,
        /// The system's error.
        cause: std::io::Error,
    },
    /// The data directory could not be opened.
    #[error("cannot open the data directory {dir}: {cause}")]
    Open {
        /// The directory.
        dir: PathBuf,
        /// Why.
        cause: Error,
    },
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Serve(std::io::Error),
    /// The rest of the data could not be written while closing; it stays in the log.
    #[error("cannot close the store cleanly: {0}")]
    Close(Error),
}

/// An open node and the threads that work for it.
pub struct Opened {
    node: Arc<Node>,
    commits: JoinHandle<()>,
    /// Background threads; each stops when its sender goes.
    workers: Vec<(Sender<()>, JoinHandle<()>)>,
}

/// A runtime for a server. Its threads have room for the deepest expression the parser accepts.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()
}

/// The bound listeners of a server.
#[derive(Debug)]
pub struct Listeners {
    /// Everything.
    pub main: TcpListener,
    /// OTLP over gRPC.
    pub otlp_grpc: Option<TcpListener>,
    /// OTLP over HTTP.
    pub otlp_http: Option<TcpListener>,
    /// Loki's API.
    pub loki: Option<TcpListener>,
    /// Tempo's API.
    pub tempo: Option<TcpListener>,
    /// Jaeger's query API.
    pub jaeger: Option<TcpListener>,
}

/// Binds the listeners.
///
/// # Errors
/// [`RunError::Listen`], a busy port among its causes.
pub async fn listen(config: &Config) -> Result<Listeners, RunError> {
    Ok(Listeners {
        main: bind(&config.listen).await?,
        otlp_grpc: bind_if_any(config.otlp.grpc_listen.as_deref()).await?,
        otlp_http: bind_if_any(config.otlp.http_listen.as_deref()).await?,
        loki: bind_if_any(config.logs.listen.as_deref()).await?,
        tempo: bind_if_any(config.tempo_listen.as_deref()).await?,
        jaeger: bind_if_any(config.jaeger_listen.as_deref()).await?,
    })
}

async fn bind_if_any(address: Option<&str>) -> Result<Option<TcpListener>, RunError> {
    match address {
        Some(address) => bind(address).await.map(Some),
        None => Ok(None),
    }
}

async fn bind(address: &str) -> Result<TcpListener, RunError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| RunError::Listen {
            address: address.to_owned(),
            cause,
        })
}

/// Serves on the listeners until `shutdown` resolves. Requests are answered "not ready" until the node is open.
///
/// # Errors
/// [`RunError`] by phase; a failure to open ends the server at once.
pub async fn run(
    config: Config,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let app = Arc::new(App::new(config));
    let (stop, stopped) = watch::channel(());
    let mut serving = tokio::spawn(serve_all(listeners, Arc::clone(&app), stopped));
    let opening = {
        let app = Arc::clone(&app);
        tokio::task::spawn_blocking(move || Opened::open(&app))
    };
    let opened = match opening.await {
        Ok(opened) => opened?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    let failed = tokio::select! {
        () = shutdown => None,
        served = &mut serving => Some(served),
    };
    app.stop();
    let served = match failed {
        Some(served) => served,
        None => {
            tracing::info!("stopping");
            drop(stop);
            drain(serving).await
        }
    };
    let closing = move || {
        // What is not written now is counted from the stored spans after the next start.
        if let Err(error) = app.generator.tick(&opened.node, &app.counters, now_ms(), true) {
            tracing::warn!(%error, "metrics of the last spans are not written");
        }
        opened.close()
    };
    let closed = tokio::task::spawn_blocking(closing).await;
    match (served, closed) {
        (Ok(Err(cause)), _) => Err(RunError::Serve(cause)),
        (_, Ok(closed)) => closed.map_err(RunError::Close),
        (_, Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
    }
}

type Served = Result<std::io::Result<()>, tokio::task::JoinError>;

/// Serves on all listeners; ends when all have ended, or with the first failure.
async fn serve_all(listeners: Listeners, app: Arc<App>, stopped: watch::Receiver<()>) -> std::io::Result<()> {
    let idle_max = idle_max(app.config.query.timeout_ms);
    let routers = [
        (Some(listeners.main), router(Arc::clone(&app))),
        (listeners.otlp_grpc, grpc::router(Arc::clone(&app))),
        (listeners.otlp_http, otlp::router(Arc::clone(&app))),
        (listeners.loki, loki::router(Arc::clone(&app))),
        (listeners.tempo, tempo::router(Arc::clone(&app))),
        (listeners.jaeger, jaeger::router(app)),
    ];
    let mut all = JoinSet::new();
    for (listener, router) in routers {
        if let Some(listener) = listener {
            let listener = BoundedListener::new(listener, CONNECTIONS_MAX, idle_max);
            all.spawn(serve(listener, router, stopped.clone()));
        }
    }
    while let Some(ended) = all.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    Ok(())
}

async fn serve(
    listener: BoundedListener,
    router: Router,
    mut stopped: watch::Receiver<()>,
) -> std::io::Result<()> {
    axum::serve(listener, router.into_make_service_with_connect_info::<Peer>())
        .with_graceful_shutdown(async move {
            // Either way the sender is gone, so it is time to stop.
            let _ = stopped.changed().await;
        })
        .await
}

async fn drain(mut serving: tokio::task::JoinHandle<std::io::Result<()>>) -> Served {
    match tokio::time::timeout(DRAIN_TIMEOUT, &mut serving).await {
        Ok(served) => served,
        Err(_) => {
            tracing::warn!("requests still in work after {DRAIN_TIMEOUT:?} are cut off");
            serving.abort();
            Ok(Ok(()))
        }
    }
}

impl Opened {
    /// Opens the node of the configured data directory and says so to `app`.
    ///
    /// # Errors
    /// [`RunError::Open`].
    pub fn open(app: &Arc<App>) -> Result<Opened, RunError> {
        let started = std::time::Instant::now();
        let dir = &app.config.data_dir;
        let failed = |cause| RunError::Open {
            dir: dir.clone(),
            cause,
        };
        let storage = LocalStorage::open(dir).map_err(failed)?;
        let (node, recovery) = Node::open(Arc::new(storage), node_options(&app.config)).map_err(failed)?;
        log_recovery(dir, &recovery, started.elapsed());
        app.governor.open_journal(dir);
        app.generator.overrides.open(dir, &app.config.generate);
        app.deletes.open(dir);
        let (generating, deleting) = (Arc::clone(app), Arc::clone(app));
        let commits = {
            let node = Arc::clone(&node);
            std::thread::Builder::new()
                .name("commits".to_owned())
                .spawn(move || or_abort("commits", || node.run_commits()))
                .map_err(|e| failed(Error::io("start a thread for", dir, &e)))?
        };
        type Work = Box<dyn Fn(&Node, i64) -> Result<Upkeep, Error> + Send>;
        let worker = |name: &'static str, wait: Wait, work: Work| {
            let node = Arc::clone(&node);
            let (stop, stopped) = channel();
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || {
                    or_abort(name, || {
                        again_and_again(name, || wait(&node, &stopped), |now| work(&node, now))
                    })
                })
                .map_err(|e| failed(Error::io("start a thread for", dir, &e)))?;
            Ok((stop, thread))
        };
        // A merge may take long; flushes must not wait for it.
        let workers = vec![
            worker("maintenance", full_or_a_second, Box::new(Node::maintain))?,
            worker(
                "merges",
                a_second,
                Box::new(|node, now| {
                    behind_others();
                    node.merge_due(now)
                }),
            )?,
            worker(
                "deleted lines",
                a_second,
                Box::new(move |node, now| {
                    deleting.deletes.carry_out(node, &deleting.config, now)?;
                    Ok(Upkeep::default())
                }),
            )?,
            worker(
                "metrics of spans",
                a_second,
                Box::new(move |node, now| {
                    let all = generating.is_stopping();
                    generating.generator.tick(node, &generating.counters, now, all)?;
                    Ok(Upkeep::default())
                }),
            )?,
        ];
        if let Err(error) = crate::generate::resume(&app.generator, &node, now_ms()) {
            tracing::warn!(%error, "spans since the last metrics of spans are not counted; recompute them");
        }
        app.ready(Arc::clone(&node));
        Ok(Opened {
            node,
            commits,
            workers,
        })
    }

    /// Stops the threads, writes what the heads hold to blocks and closes the log.
    ///
    /// # Errors
    /// Those of the flush; acknowledged data is in the log all the same.
    pub fn close(self) -> Result<(), Error> {
        let flushed = self.node.flush();
        self.close_unflushed();
        flushed.map(drop)
    }

    /// Stops the threads and closes the log. What the heads hold is read from the log at the next opening.
    pub fn close_unflushed(self) {
        let (stops, threads): (Vec<_>, Vec<_>) = self.workers.into_iter().unzip();
        drop(stops);
        self.node.wake();
        let worked: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
        self.node.close();
        for ended in worked.into_iter().chain([self.commits.join()]) {
            if let Err(panic) = ended {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

fn log_recovery(dir: &Path, recovery: &Recovery, took: Duration) {
    tracing::info!(
        dir = %dir.display(),
        ?took,
        log_bytes = recovery.log.bytes,
        records = recovery.replayed_records,
        "data directory open"
    );
    for damage in &recovery.log.damages {
        tracing::error!(?damage, "the log is damaged; a copy is in quarantine");
    }
    for block in &recovery.lost_blocks {
        tracing::error!(?block, "a block cannot be opened and is in quarantine");
    }
    if recovery.undecodable_records + recovery.orphaned_samples > 0 {
        tracing::error!(
            records = recovery.undecodable_records,
            samples = recovery.orphaned_samples,
            "parts of the log make no sense"
        );
    }
}

/// Ends the process when a thread that writes panics: what it left half done is in nobody's hands, and the log has
/// everything that was acknowledged.
fn or_abort(name: &str, work: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
        tracing::error!("the thread {name} panicked: the process ends, the next start replays the log");
        std::process::abort();
    }
}

/// Lets writers and flushes have the processors before this thread, which has all day: a merge that runs beside full load
/// would otherwise hold them up. Where the system refuses, it goes on as it is.
fn behind_others() {
    rustix::process::setpriority_process(None, MERGE_NICENESS).ok();
}

/// Waits until the next round of a background thread; false when it is to end, which it is when the sender is gone.
type Wait = fn(&Node, &Receiver<()>) -> bool;

/// A round every [`MAINTENANCE_INTERVAL`].
fn a_second(_: &Node, stop: &Receiver<()>) -> bool {
    stop.recv_timeout(MAINTENANCE_INTERVAL) == Err(RecvTimeoutError::Timeout)
}

/// A round every [`MAINTENANCE_INTERVAL`], and at once when a head is full: writers fill several in a second.
fn full_or_a_second(node: &Node, stop: &Receiver<()>) -> bool {
    node.wait_until_full(MAINTENANCE_INTERVAL);
    stop.try_recv() == Err(TryRecvError::Empty)
}

/// Calls `work` with the time after each `wait` until that says to end.
fn again_and_again(name: &str, wait: impl Fn() -> bool, work: impl Fn(i64) -> Result<Upkeep, Error>) {
    while wait() {
        match work(now_ms()) {
            Ok(done) => tracing::trace!(?done, name),
            Err(error) => tracing::error!(%error, "{name} failed"),
        }
    }
}
