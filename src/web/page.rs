//! The page at `/`: a player for the mount and what plays now.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

/// The page needs nothing from any other host, and says so to the browser.
const POLICY: &str = "default-src 'none'; media-src 'self'; connect-src 'self'; \
    style-src 'self'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) async fn page() -> Response {
    file("text/html; charset=utf-8", include_str!("page/page.html"))
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/page.css"))
}

pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
