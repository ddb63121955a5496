//! The body of a request: taken whole and in time before anything is done with it.

use std::time::Duration;

use axum::{
    Json,
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request, rejection::JsonRejection},
    middleware::Next,
    response::Response,
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ApiError;

/// From the head of a request to the end of its body, which is some lines mostly. What is done
/// then is not cut short: an import or a backup takes as long as the disk does.
pub(super) const BODY_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn take_whole(request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let taking = Bytes::from_request(Request::from_parts(parts.clone(), body), &());
    let Ok(taken) = timeout(BODY_LIMIT, taking).await else { return Err(ApiError::LateBody) };
    Ok(next.run(Request::from_parts(parts, Body::from(taken?))).await)
}

/// A body of JSON that may be left out: then it is an empty object.
pub(super) struct OrEmpty<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OrEmpty<T> {
    type Rejection = JsonRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, JsonRejection> {
        let Json(told) = if request.body().is_end_stream() {
            Json::from_bytes(b"{}")?
        } else {
            Json::from_request(request, state).await?
        };
        Ok(Self(told))
    }
}
