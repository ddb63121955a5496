//! The library over HTTP: search and history.

use std::fmt::Display;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ApiError, Backstage};
use crate::library::Library;

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

type Asked = Result<Query<Page>, QueryRejection>;

pub(super) async fn search(
    State(backstage): State<Backstage>,
    page: Asked,
) -> Result<Json<Value>, ApiError> {
    let read = |library: Library, page: Page| library.search(&page.q, page.limit(), page.offset);
    paged(&backstage, page, "songs", read).await
}

pub(super) async fn history(
    State(backstage): State<Backstage>,
    page: Asked,
) -> Result<Json<Value>, ApiError> {
    let read = |library: Library, page: Page| library.history(page.limit(), page.offset);
    paged(&backstage, page, "history", read).await
}

/// What `read` finds, the rows under this name, read where the disk holds nothing up.
async fn paged<T: Serialize + Send + 'static, E: Display + Send + 'static>(
    backstage: &Backstage,
    page: Asked,
    rows: &str,
    read: impl FnOnce(Library, Page) -> Result<(u64, Vec<T>), E> + Send + 'static,
) -> Result<Json<Value>, ApiError> {
    let Query(page) = page?;
    let library = backstage.manager.library();
    let offset = page.offset;
    let (total, found) = tokio::task::spawn_blocking(move || read(library, page))
        .await?
        .map_err(ApiError::library)?;
    Ok(Json(json!({ "total": total, "offset": offset, rows: found })))
}
