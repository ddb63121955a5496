//! The queue over HTTP: list, add, remove, move, clear.

use axum::{
    Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Backstage, body::OrEmpty};
use crate::{
    ids::{EntryId, SongId},
    keeper::{QueueError, QueuePosition, QueueView, SongQueue},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddRequest {
    song_id: SongId,
    #[serde(default = "last")]
    position: QueuePosition,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RandomRequest {
    #[serde(default = "last")]
    position: QueuePosition,
    #[serde(default)]
    album_id: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveRequest {
    after: EntryId,
}

fn last() -> QueuePosition {
    QueuePosition::Last
}

pub(super) async fn list(State(backstage): State<Backstage>) -> Result<Json<Value>, ApiError> {
    let view = on_queue(&backstage, |queue| queue.entries()).await?;
    Ok(Json(shape(&view)))
}

pub(super) async fn add(
    State(backstage): State<Backstage>,
    headers: HeaderMap,
    request: Result<Json<AddRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(AddRequest { song_id, position }) = request?;
    let known = if_match(&headers)?;
    let added =
        on_queue(&backstage, move |q| q.if_match(known).add_song(song_id, position, false)).await;
    edited(&backstage, added.map(|edit| (edit.revision, Some(edit.entry_id)))).await
}

pub(super) async fn add_random(
    State(backstage): State<Backstage>,
    headers: HeaderMap,
    request: Result<OrEmpty<RandomRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    let OrEmpty(RandomRequest { position, album_id }) = request?;
    let known = if_match(&headers)?;
    let added =
        on_queue(&backstage, move |q| q.if_match(known).add_random_song(position, album_id)).await;
    edited(&backstage, added.map(|edit| (edit.revision, Some(edit.entry_id)))).await
}

pub(super) async fn remove(
    State(backstage): State<Backstage>,
    entry: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (entry, known) = (entry_id(&entry?)?, if_match(&headers)?);
    let removed = on_queue(&backstage, move |q| q.if_match(known).remove_song(entry)).await;
    edited(&backstage, removed.map(|revision| (revision, None))).await
}

pub(super) async fn move_after(
    State(backstage): State<Backstage>,
    entry: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    request: Result<Json<MoveRequest>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(MoveRequest { after }) = request?;
    let (entry, known) = (entry_id(&entry?)?, if_match(&headers)?);
    let moved = on_queue(&backstage, move |q| q.if_match(known).move_song(entry, after)).await;
    edited(&backstage, moved.map(|revision| (revision, None))).await
}

pub(super) async fn clear(
    State(backstage): State<Backstage>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = if_match(&headers)?;
    let cleared = on_queue(&backstage, move |q| q.if_match(known).clear()).await;
    edited(&backstage, cleared.map(|revision| (revision, None))).await
}

/// Runs a queue operation off the runtime's thread: it waits for the disk.
async fn on_queue<T: Send + 'static>(
    backstage: &Backstage,
    operation: impl FnOnce(SongQueue) -> Result<T, QueueError> + Send + 'static,
) -> Result<T, ApiError> {
    let queue = backstage.manager.queue();
    Ok(tokio::task::spawn_blocking(move || operation(queue)).await??)
}

/// The answer to an edit: 201 with the new entry, 200 otherwise; a stale one gets the queue.
async fn edited(
    backstage: &Backstage,
    outcome: Result<(u64, Option<EntryId>), ApiError>,
) -> Result<Response, ApiError> {
    match outcome {
        Ok((revision, Some(entry_id))) => {
            let body = json!({ "entry_id": entry_id, "revision": revision });
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        Ok((revision, None)) => Ok(Json(json!({ "revision": revision })).into_response()),
        Err(ApiError::Queue(stale @ QueueError::Stale { .. })) => {
            let view = on_queue(backstage, |queue| queue.entries()).await?;
            let mut body = shape(&view);
            if let Some(body) = body.as_object_mut() {
                let error = json!({ "code": "stale", "message": stale.to_string() });
                body.insert("error".into(), error);
            }
            Ok((StatusCode::PRECONDITION_FAILED, Json(body)).into_response())
        }
        Err(error) => Err(error),
    }
}

fn shape(view: &QueueView) -> Value {
    let entries = view.entries.iter().map(|entry| {
        json!({ "entry_id": entry.entry_id, "is_random": entry.is_random, "song": entry.song })
    });
    json!({ "revision": view.revision, "entries": entries.collect::<Vec<_>>() })
}

fn entry_id(text: &str) -> Result<EntryId, ApiError> {
    text.parse().map_err(|_| ApiError::BadRequest("an entry id is a decimal number".into()))
}

fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let revision =
        value.to_str().ok().and_then(|value| value.trim().trim_matches('"').parse().ok());
    match revision {
        Some(revision) => Ok(Some(revision)),
        None => Err(ApiError::BadRequest("If-Match takes a queue revision, a number".into())),
    }
}
