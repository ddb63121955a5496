//! Access: who may read the API and who may control the station.

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use subtle::ConstantTimeEq;

use super::{ApiError, Backstage, door::Peer};

/// Who may do what.
#[derive(Debug)]
pub struct Access {
    /// What a request to control must carry.
    pub token: String,
    /// Everyone may read (`server.public_api`).
    pub public: bool,
}

impl Access {
    /// The request carries the control token. Compared in constant time.
    pub(super) fn has_token(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(bearer).unwrap_or("");
        !self.token.is_empty() && bool::from(given.trim().as_bytes().ct_eq(self.token.as_bytes()))
    }

    /// The peer is this machine, addressed by a loopback name and not through a proxy: a browser
    /// that was led here under a foreign name shows that name in `Host`.
    fn is_local(peer: Peer, headers: &HeaderMap) -> bool {
        let forwarded = headers
            .keys()
            .any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"));
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        peer.0.ip().to_canonical().is_loopback() && !forwarded && host.is_some_and(is_loopback_name)
    }
}

/// What follows the scheme, whose case does not matter (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// `localhost`, 127.0.0.0/8 or ::1, with or without a port.
fn is_loopback_name(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(v6) => v6.split_once(']').unwrap_or_default(),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |digits: &str| digits.parse::<u16>().is_ok();
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return false;
    }
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(super) async fn may_read(
    State(backstage): State<Backstage>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let access = &backstage.access;
    let headers = request.headers();
    if access.public || Access::is_local(peer, headers) || access.has_token(headers) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::Unauthorized)
}

pub(super) async fn may_control(
    State(backstage): State<Backstage>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !backstage.access.has_token(request.headers()) {
        return Err(ApiError::Unauthorized);
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_loopback_by_a_loopback_name_and_no_proxy_is_local() {
        let here = Peer("127.0.0.1:9".parse().unwrap());
        let mapped = Peer("[::ffff:127.0.0.1]:9".parse().unwrap());
        let there = Peer("192.0.2.1:9".parse().unwrap());
        for host in ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"] {
            assert!(Access::is_local(here, &headers(&[("host", host)])), "{host}");
        }
        assert!(Access::is_local(mapped, &headers(&[("host", "localhost")])));
        assert!(!Access::is_local(there, &headers(&[("host", "localhost")])));
        assert!(!Access::is_local(here, &headers(&[("host", "radio.example")])));
        assert!(!Access::is_local(here, &headers(&[("host", "localhost.example")])));
        for host in ["[::1]x", "[::1", "[::1].example", "localhost:x", "127.0.0.1:8000@example", ""]
        {
            assert!(!Access::is_local(here, &headers(&[("host", host)])), "{host}");
        }
        assert!(!Access::is_local(here, &headers(&[])));
        let proxied = headers(&[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")]);
        assert!(!Access::is_local(here, &proxied));
        assert!(!Access::is_local(
            here,
            &headers(&[("host", "localhost"), ("forwarded", "for=x")])
        ));
    }

    #[test]
    fn only_the_whole_token_opens() {
        let access = Access { token: "secret".into(), public: false };
        for right in ["Bearer secret", "bearer secret", "BEARER  secret"] {
            assert!(access.has_token(&headers(&[("authorization", right)])), "{right}");
        }
        for wrong in
            ["Bearer secre", "Bearer secrets", "Bearer ", "secret", "Basic secret", "Bearer SECRET"]
        {
            assert!(!access.has_token(&headers(&[("authorization", wrong)])), "{wrong}");
        }
        let unset = Access { token: String::new(), public: false };
        assert!(!unset.has_token(&headers(&[("authorization", "Bearer ")])));
    }
}
