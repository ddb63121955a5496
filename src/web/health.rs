//! Health: is the stream alive, told by the age of its newest frame. Open to everyone: monitors and
//! load balancers have no login.

use std::time::{Duration, Instant};

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::Backstage;

/// Without a frame for this long the stream counts as dead. Frames come in every state, silence among
/// them, ten times a second.
const DEAD_AFTER: Duration = Duration::from_secs(5);

pub(super) async fn health(State(backstage): State<Backstage>) -> (StatusCode, Json<Value>) {
    let age = last_frame_age(&backstage, Instant::now());
    let alive = is_alive(age);
    let status = if alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let outputs = backstage.manager.stream_state().outputs;
    // Why an output is down may hold a host's name: that is told to those who may read the state.
    let outputs: Vec<Value> = outputs
        .iter()
        .map(|output| json!({ "name": output.name, "connected": output.connected }))
        .collect();
    let body = json!({
        "alive": alive,
        "last_frame_age_ms": age_ms,
        "outputs": outputs,
        "listeners": (backstage.listener_count)(),
    });
    (status, Json(body))
}

/// How long ago the newest frame went out; nothing before the first.
pub(super) fn last_frame_age(backstage: &Backstage, now: Instant) -> Option<Duration> {
    let last = backstage.manager.relay().last_push()?;
    Some(now.saturating_duration_since(last))
}

fn is_alive(age: Option<Duration>) -> bool {
    age.is_some_and(|age| age < DEAD_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_without_a_frame_for_five_seconds_is_dead() {
        assert!(is_alive(Some(Duration::from_millis(4999))));
        assert!(!is_alive(Some(DEAD_AFTER)));
        assert!(!is_alive(None), "none was ever sent");
    }
}
