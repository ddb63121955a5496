//! Errors of the API: one shape, the right status, and never a path or a password.

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::NoScan;
use crate::{command::CommandError, keeper::QueueError};

/// What every 401 has to name (RFC 9110 section 11.6.1). Browsers ask nobody for such a token.
const CHALLENGE: &str = "Bearer realm=\"musicdb-stream\"";

/// What a request came to instead.
#[derive(Debug)]
pub(super) enum ApiError {
    /// 400: the request cannot be understood.
    BadRequest(String),
    /// The body has the wrong size, kind or shape: 413, 415, 422, or 400.
    BadBody(StatusCode, String),
    /// 408: the body did not come.
    LateBody,
    /// 401: the token is missing or wrong.
    Unauthorized,
    /// 401: too many wrong tokens came from there; for so long none is looked at.
    LockedOut(Duration),
    /// 404.
    NotFound(&'static str),
    /// 405.
    WrongMethod,
    /// A queue operation was refused.
    Queue(QueueError),
    /// A command was refused.
    Command(CommandError),
    /// No scan was begun.
    Scan(NoScan),
    /// 409: the file cannot be imported, or the backup not be written.
    Refused(&'static str, String),
    /// 500: a thread of ours ended.
    Internal(&'static str),
}

impl ApiError {
    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, "bad_request", why.clone()),
            Self::BadBody(status, why) => (*status, "bad_request", why.clone()),
            Self::LateBody => (
                StatusCode::REQUEST_TIMEOUT,
                "late_body",
                "the body did not come in time; send it with its head".into(),
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the control token is missing or wrong; send it as Authorization: Bearer TOKEN"
                    .into(),
            ),
            Self::LockedOut(left) => {
                let seconds = retry_after(*left);
                let why = format!(
                    "too many wrong tokens came from this address; try again in {seconds} s"
                );
                (StatusCode::UNAUTHORIZED, "unauthorized", why)
            }
            Self::NotFound(why) => (StatusCode::NOT_FOUND, "not_found", (*why).into()),
            Self::WrongMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this path does not know that method".into(),
            ),
            Self::Queue(error) => queue_parts(error),
            Self::Command(error) => {
                let (status, code) = match error {
                    CommandError::NotRunning => (StatusCode::SERVICE_UNAVAILABLE, "not_running"),
                    CommandError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
                    CommandError::Disabled => (StatusCode::CONFLICT, "disabled"),
                };
                (status, code, error.to_string())
            }
            Self::Scan(error) => {
                let (status, code) = match error {
                    NoScan::Running => (StatusCode::CONFLICT, "scan_running"),
                    NoScan::NoThread => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
                };
                (status, code, error.to_string())
            }
            Self::Refused(code, why) => (StatusCode::CONFLICT, code, why.clone()),
            Self::Internal(why) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", (*why).into()),
        }
    }
}

/// Seconds after which the wait is over.
fn retry_after(left: Duration) -> u64 {
    left.as_secs() + 1
}

fn queue_parts(error: &QueueError) -> (StatusCode, &'static str, String) {
    let (status, code) = match error {
        QueueError::UnknownSong => (StatusCode::NOT_FOUND, "unknown_song"),
        QueueError::Unplayable { .. } => (StatusCode::CONFLICT, "unplayable"),
        QueueError::NothingOfAlbum { .. } => (StatusCode::NOT_FOUND, "unknown_album"),
        QueueError::UnknownEntry => (StatusCode::NOT_FOUND, "unknown_entry"),
        QueueError::CurrentSong => (StatusCode::CONFLICT, "current_song"),
        QueueError::Stale { .. } => (StatusCode::PRECONDITION_FAILED, "stale"),
        QueueError::BehindItself => (StatusCode::CONFLICT, "behind_itself"),
        QueueError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        QueueError::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
        error if error.is_disk_full() => {
            let why = "the disk that holds the database is full; free some space and try again";
            return (StatusCode::INSUFFICIENT_STORAGE, "disk_full", why.into());
        }
        QueueError::NothingToPlay => (StatusCode::CONFLICT, "nothing_to_play"),
        QueueError::NotRunning => (StatusCode::SERVICE_UNAVAILABLE, "not_running"),
        _ => {
            tracing::error!(%error, "a queue operation failed");
            let why = "the queue could not be changed; the server's log has the reason";
            return (StatusCode::INTERNAL_SERVER_ERROR, "queue", why.into());
        }
    };
    (status, code, error.to_string())
}

impl ApiError {
    /// The library could not be read; the reason goes to the log, for it may hold a path.
    pub(super) fn library(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "the library could not be read");
        Self::Internal("the library could not be read; the server's log has the reason")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let body = Json(json!({ "error": { "code": code, "message": message } }));
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Self::LockedOut(left) = self {
            headers.insert(header::RETRY_AFTER, retry_after(left).into());
        }
        response
    }
}

impl From<QueueError> for ApiError {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

impl From<NoScan> for ApiError {
    fn from(error: NoScan) -> Self {
        Self::Scan(error)
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::BadBody(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        Self::BadBody(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}

impl From<tokio::task::JoinError> for ApiError {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Internal("the request could not be finished; try again")
    }
}
