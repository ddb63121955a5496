//! Health: is the stream alive, told by the age of its newest frame.

use std::time::{Duration, Instant};

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::Backstage;

/// Without a frame for this long the stream counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(5);

pub(super) async fn health(State(backstage): State<Backstage>) -> (StatusCode, Json<Value>) {
    let last = backstage.manager.relay().last_push();
    let age = last.map(|last| Instant::now().saturating_duration_since(last));
    let alive = age.is_some_and(|age| age < DEAD_AFTER);
    let status = if alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    (status, Json(json!({ "alive": alive, "last_frame_age_ms": age_ms })))
}
