//! The body of a request: taken whole and in time before anything is done with it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    middleware::Next,
    response::Response,
};
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
