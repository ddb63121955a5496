//! The web: the JSON API, the event stream and the page, for all requests that are no mount.

mod access;
mod body;
mod connection;
mod control;
mod door;
mod error;
mod events;
mod health;
mod metrics;
mod monitor;
mod page;
mod process;
mod queue;
mod scan;
mod songs;
mod state;

pub use access::Access;
pub use door::Door;
pub use scan::{NoScan, ScanDesk};

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    response::Response,
    routing::{delete, get, post},
};
use tokio::sync::Semaphore;

use crate::{
    station::AudioStreamManager,
    status::{ListenerInfo, MonitorState, ServerFigures},
};
use error::ApiError;

/// What the web shows and commands.
#[derive(Clone)]
pub struct Backstage {
    /// Commands and state.
    pub manager: AudioStreamManager,
    /// Who listens to the embedded server.
    pub listeners: Arc<dyn Fn() -> Vec<ListenerInfo> + Send + Sync>,
    /// How many they are.
    pub listener_count: Arc<dyn Fn() -> usize + Send + Sync>,
    /// What the embedded server has done.
    pub figures: Arc<dyn Fn() -> ServerFigures + Send + Sync>,
    /// How the sound is played on this machine.
    pub monitor: Arc<dyn MonitorDesk>,
    /// Starts scans of the library and tells how far they are.
    pub scans: Arc<dyn ScanDesk>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// The mount's path, such as `/stream`.
    pub mount: String,
    /// Distinguishes this run's event numbers from another's.
    pub run: String,
    /// When the stream was started.
    pub started: Instant,
}

/// The monitor, as the web needs it.
pub trait MonitorDesk: Send + Sync {
    /// How it is.
    fn state(&self) -> MonitorState;

    /// Gives its sinks silence, or sound again.
    fn set_muted(&self, is_muted: bool);
}

/// All routes, ready to be served.
#[derive(Debug, Clone)]
pub struct Site(Router);

/// The API, the event stream and the page.
#[must_use]
pub fn site(backstage: Backstage) -> Site {
    let played = Arc::new(Semaphore::new(1));
    let metrics = move |backstage, headers| metrics::metrics(backstage, headers, played);
    let reading = Router::new()
        .route("/metrics", get(metrics))
        .route("/api/v1/state", get(state::state))
        .route("/api/v1/queue", get(queue::list))
        .route("/api/v1/songs", get(songs::search))
        .route("/api/v1/history", get(songs::history))
        .route("/api/v1/listeners", get(state::listeners))
        .route("/api/v1/scan", get(scan::progress))
        .route("/api/v1/monitor", get(monitor::show))
        .route("/api/v1/events", get(events::follow))
        .route_layer(middleware::from_fn_with_state(backstage.clone(), access::may_read));
    let control = Router::new()
        .route("/api/v1/play", post(control::play))
        .route("/api/v1/next", post(control::next))
        .route("/api/v1/queue", post(queue::add).delete(queue::clear))
        .route("/api/v1/queue/random", post(queue::add_random))
        .route("/api/v1/queue/{entry_id}", delete(queue::remove))
        .route("/api/v1/queue/{entry_id}/move", post(queue::move_after))
        .route("/api/v1/monitor", post(monitor::mute))
        .route("/api/v1/scan", post(scan::start))
        .route("/api/v1/import", post(scan::import))
        .route("/api/v1/backup", post(scan::backup))
        .route_layer(middleware::from_fn(body::take_whole))
        .route_layer(middleware::from_fn_with_state(backstage.clone(), access::may_control));
    let site = Router::new()
        .merge(reading)
        .merge(control)
        .route("/health", get(health::health))
        .route("/", get(page::page))
        .route("/page.css", get(page::style))
        .route("/page.js", get(page::script))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::map_response(one_answer))
        .with_state(backstage);
    Site(site)
}

/// A connection ends with its first answer: the front door alone knows where the next request
/// belongs, and only looks at the first one of a connection.
async fn one_answer(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn unknown() -> ApiError {
    ApiError::NotFound("there is no such page")
}

async fn wrong_method() -> ApiError {
    ApiError::WrongMethod
}
