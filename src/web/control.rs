//! Control: play, pause and next, answered with the frame at which they were heard.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::{ApiError, Backstage};
use crate::station::{Ack, WaitError};

/// How long a request waits for the effect before it is answered without it.
const EFFECT_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlayRequest {
    play: bool,
}

pub(super) async fn play(
    State(backstage): State<Backstage>,
    request: Result<Json<PlayRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Json(request) = request?;
    answer(backstage.manager.play(request.play)?).await
}

pub(super) async fn next(
    State(backstage): State<Backstage>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    answer(backstage.manager.play_next_song()?).await
}

/// Answers in time, whatever the disk does: a command that waits for it longer is accepted all the
/// same.
async fn answer(ack: Ack) -> Result<(StatusCode, Json<Value>), ApiError> {
    let deadline = Instant::now() + EFFECT_TIMEOUT;
    let waiting = tokio::task::spawn_blocking(move || ack.wait_until(deadline));
    let waited = match timeout_at(deadline.into(), waiting).await {
        Ok(waited) => waited?,
        Err(_) => Err(WaitError::Timeout),
    };
    let (status, effect) = match waited {
        Ok(effect) => (StatusCode::OK, effect),
        Err(WaitError::NotStored { effect }) => (StatusCode::ACCEPTED, effect),
        Err(WaitError::Timeout) => (StatusCode::ACCEPTED, None),
        Err(WaitError::NotRunning) => return Err(crate::command::CommandError::NotRunning.into()),
    };
    Ok((status, Json(json!({ "accepted": true, "effect": effect }))))
}
