//! The monitor: how what goes out is played on this machine, and whether it is muted.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use serde::Deserialize;

use super::{ApiError, Backstage};
use crate::status::MonitorState;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MuteRequest {
    muted: bool,
}

pub(super) async fn show(State(backstage): State<Backstage>) -> Json<MonitorState> {
    Json(backstage.monitor.state())
}

pub(super) async fn mute(
    State(backstage): State<Backstage>,
    request: Result<Json<MuteRequest>, JsonRejection>,
) -> Result<Json<MonitorState>, ApiError> {
    let Json(request) = request?;
    backstage.monitor.set_muted(request.muted);
    Ok(Json(backstage.monitor.state()))
}
