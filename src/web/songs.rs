//! The library over HTTP: search and history.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Backstage};

/// Rows of one answer where the request names no limit.
const DEFAULT_LIMIT: u64 = 50;
/// Rows of one answer at most.
const MAX_LIMIT: u64 = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    q: String,
    limit: Option<u64>,
    #[serde(default)]
    offset: u64,
}

impl Page {
    fn limit(&self) -> u64 {
        self.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT)
    }
}

pub(super) async fn search(
    State(backstage): State<Backstage>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(page) = page?;
    let library = backstage.manager.library();
    let offset = page.offset;
    let search = move || library.search(&page.q, page.limit(), page.offset);
    let (total, songs) = tokio::task::spawn_blocking(search).await?.map_err(ApiError::library)?;
    Ok(Json(json!({ "total": total, "offset": offset, "songs": songs })))
}

pub(super) async fn history(
    State(backstage): State<Backstage>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(page) = page?;
    let library = backstage.manager.library();
    let offset = page.offset;
    let read = move || library.history(page.limit(), page.offset);
    let (total, history) = tokio::task::spawn_blocking(read).await?.map_err(ApiError::library)?;
    Ok(Json(json!({ "total": total, "offset": offset, "history": history })))
}
