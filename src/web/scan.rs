//! The scan desk: scans, single imports and backups, started from elsewhere.

use std::{path::PathBuf, time::Instant};

use axum::{
    Json,
    extract::{ConnectInfo, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Backstage, body::OrEmpty, door::Peer};
use crate::ids::SongId;

/// Who scans the library.
pub trait ScanDesk: Send + Sync {
    /// Begins a scan of these folders, or of the configured one where none is named.
    ///
    /// # Errors
    /// [`NoScan`]
    fn start(&self, folders: Vec<PathBuf>) -> Result<(), NoScan>;
    /// How far the newest scan is, or what it came to.
    fn progress(&self) -> Value;
    /// Imports one file and gives its id.
    ///
    /// # Errors
    /// Why it cannot be played, in one sentence.
    fn import(&self, file: PathBuf) -> Result<SongId, String>;
    /// Writes a verified copy of the database.
    ///
    /// # Errors
    /// Why not, in one sentence.
    fn backup(&self, file: PathBuf) -> Result<(), String>;
}

/// Why no scan was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoScan {
    /// One runs already: wait for its end, or follow it.
    #[error("a scan is running; wait for its end, or follow it at /api/v1/scan")]
    Running,
    /// The system gives no thread: end other programs or raise the limit.
    #[error(
        "no thread for the scan could be started; end other programs or raise the limit on threads"
    )]
    NoThread,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScanRequest {
    #[serde(default)]
    folders: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRequest {
    file: PathBuf,
}

pub(super) async fn progress(
    State(backstage): State<Backstage>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Json<Value> {
    let mut progress = backstage.scans.progress();
    let may_scan = backstage.access.let_in(&headers, peer.0.ip(), Instant::now()).is_ok();
    if !may_scan && let Some(report) = progress.get_mut("report").and_then(Value::as_object_mut) {
        // These name files: only for those who may also scan.
        report.remove("unplayable");
        report.remove("roots_left_alone");
    }
    Json(progress)
}

pub(super) async fn start(
    State(backstage): State<Backstage>,
    request: Result<OrEmpty<ScanRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let OrEmpty(ScanRequest { folders }) = request?;
    backstage.scans.start(folders)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "accepted": true }))))
}

pub(super) async fn import(
    State(backstage): State<Backstage>,
    request: Result<Json<FileRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Json(request) = request?;
    let scans = backstage.scans;
    let imported = tokio::task::spawn_blocking(move || scans.import(request.file)).await?;
    let song_id = imported.map_err(|why| ApiError::Refused("unplayable", why))?;
    Ok((StatusCode::CREATED, Json(json!({ "song_id": song_id }))))
}

pub(super) async fn backup(
    State(backstage): State<Backstage>,
    request: Result<Json<FileRequest>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(request) = request?;
    let scans = backstage.scans;
    let written = tokio::task::spawn_blocking(move || scans.backup(request.file)).await?;
    written.map_err(|why| ApiError::Refused("backup_failed", why))?;
    Ok(Json(json!({ "written": true })))
}
