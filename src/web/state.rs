//! The state of the station and its listeners, as JSON.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{ApiError, Backstage};

pub(super) async fn state(State(backstage): State<Backstage>) -> Result<Json<Value>, ApiError> {
    snapshot(&backstage).await.map(Json)
}

pub(super) async fn listeners(State(backstage): State<Backstage>) -> Json<Value> {
    let listeners = (backstage.listeners)();
    Json(json!({ "total": listeners.len(), "offset": 0, "listeners": listeners }))
}

/// The whole state, for those who begin to follow the events too.
pub(super) async fn snapshot(backstage: &Backstage) -> Result<Value, ApiError> {
    let now = backstage.manager.now_playing();
    let queue = backstage.manager.queue();
    let (length, revision) = queue.length_and_revision();
    Ok(json!({
        "is_connected": now.state.is_connected,
        "is_playing": now.state.is_playing,
        "wanted": now.state.wanted,
        "outputs": now.state.outputs,
        "position_seconds": now.position_seconds,
        "duration_seconds": now.song.as_ref().map(|song| song.duration_seconds),
        "song": now.song,
        "entry_id": now.entry_id,
        "queue_length": length,
        "queue_revision": revision,
        "listeners": (backstage.listeners)().len(),
        "mount": backstage.mount,
        "uptime_seconds": backstage.started.elapsed().as_secs(),
    }))
}
