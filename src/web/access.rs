//! Access: who may read the API and who may control the station.

use std::{net::IpAddr, time::Instant};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use subtle::ConstantTimeEq;

use super::{ApiError, Backstage, door::Peer};
use crate::net::guard::Guard;

/// Who may do what.
#[derive(Debug)]
pub struct Access {
    /// What a request to control must carry.
    pub token: String,
    /// Everyone may read (`server.public_api`).
    pub public: bool,
    /// Who sent wrong tokens.
    pub guard: Guard,
}

impl Access {
    /// It is the control token. Compared in constant time.
    fn is_token(&self, given: &str) -> bool {
        !self.token.is_empty() && bool::from(given.as_bytes().ct_eq(self.token.as_bytes()))
    }

    /// Lets in who carries the token. An address that has sent too many wrong ones waits before
    /// another is looked at; who carries none has not failed.
    pub(super) fn let_in(
        &self,
        headers: &HeaderMap,
        from: IpAddr,
        now: Instant,
    ) -> Result<(), ApiError> {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(bearer).ok_or(ApiError::Unauthorized)?;
        self.guard.allows(from, now).map_err(|wait| ApiError::LockedOut(wait.left))?;
        if !self.is_token(given.trim()) {
            self.guard.failed(from, now);
            return Err(ApiError::Unauthorized);
        }
        self.guard.succeeded(from);
        Ok(())
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
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(super) async fn may_read(
    State(backstage): State<Backstage>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let access = &backstage.access;
    let headers = request.headers();
    if !access.public && !Access::is_local(peer, headers) {
        access.let_in(headers, peer.0.ip(), Instant::now())?;
    }
    Ok(next.run(request).await)
}

pub(super) async fn may_control(
    State(backstage): State<Backstage>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    backstage.access.let_in(request.headers(), peer.0.ip(), Instant::now())?;
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

    fn access(token: &str) -> Access {
        Access { token: token.into(), public: false, guard: Guard::default() }
    }

    fn asked(access: &Access, value: &'static str, host: u8) -> Result<(), ApiError> {
        let from = [192, 0, 2, host].into();
        access.let_in(&headers(&[("authorization", value)]), from, Instant::now())
    }

    #[test]
    fn only_the_whole_token_opens() {
        let secret = access("secret");
        for right in ["Bearer secret", "bearer secret", "BEARER  secret"] {
            assert!(asked(&secret, right, 1).is_ok(), "{right}");
        }
        for wrong in
            ["Bearer secre", "Bearer secrets", "Bearer ", "secret", "Basic secret", "Bearer SECRET"]
        {
            assert!(asked(&secret, wrong, 1).is_err(), "{wrong}");
        }
        assert!(asked(&access(""), "Bearer ", 1).is_err());
    }

    #[test]
    fn an_address_that_guesses_tokens_waits_and_no_other_does() {
        let secret = access("secret");
        // Neither who says nothing has failed, nor who says something else.
        for value in ["Basic YTpi", "Bearer"].repeat(20) {
            assert!(matches!(asked(&secret, value, 1), Err(ApiError::Unauthorized)));
        }
        for _ in 0..10 {
            assert!(matches!(asked(&secret, "Bearer wrong", 1), Err(ApiError::Unauthorized)));
        }
        assert!(matches!(asked(&secret, "Bearer secret", 1), Err(ApiError::LockedOut(_))));
        assert!(asked(&secret, "Bearer secret", 2).is_ok());
    }
}
