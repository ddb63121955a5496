//! The state of the station and its listeners, as JSON.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::Backstage;

pub(super) async fn state(State(backstage): State<Backstage>) -> Json<Value> {
    Json(snapshot(&backstage))
}

pub(super) async fn listeners(State(backstage): State<Backstage>) -> Json<Value> {
    let listeners = (backstage.listeners)();
    Json(json!({ "total": listeners.len(), "offset": 0, "listeners": listeners }))
}

/// The whole state, for those who begin to follow the events too.
pub(super) fn snapshot(backstage: &Backstage) -> Value {
    let now = backstage.manager.now_playing();
    let queue = backstage.manager.queue().snapshot();
    json!({
        "is_connected": now.state.is_connected,
        "is_playing": now.state.is_playing,
        "wanted": now.state.wanted,
        "outputs": now.state.outputs,
        "position_seconds": now.position_seconds,
        "duration_seconds": now.song.as_ref().map(|song| song.duration_seconds),
        "song": now.song,
        "entry_id": now.entry_id,
        "queue_length": queue.length,
        "queue_revision": queue.revision,
        "listeners": (backstage.listener_count)(),
        "mount": backstage.mount,
        "monitor": backstage.monitor.state(),
        "uptime_seconds": backstage.started.elapsed().as_secs(),
    })
}
