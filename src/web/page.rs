//! The page at `/`: a player for the mount and what plays now.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

/// The page needs nothing from any other host, and says so to the browser.
const POLICY: &str = "default-src 'none'; media-src 'self'; connect-src 'self'; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

pub(super) async fn page() -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-cache")];
    (headers, Html(include_str!("page.html"))).into_response()
}
