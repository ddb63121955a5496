//! Under which address a client reaches this server.

use std::net::SocketAddr;

use super::request::Request;

/// Longest name of a host with its port that is taken from a client.
const MAX_HOST: usize = 261;

/// `http://host:port`, as the client wrote it in `Host`; else the configured name; else the address
/// that we listen on.
pub(super) fn base_url(request: &Request, hostname: Option<&str>, local: SocketAddr) -> String {
    let scheme = if request.is_https { "https" } else { "http" };
    let asked = request.host.as_deref().filter(|host| is_host(host));
    let host = asked.map_or_else(|| own_host(hostname, local), str::to_owned);
    format!("{scheme}://{host}")
}

/// The configured name, or the address that we listen on, with the port.
pub(super) fn own_host(hostname: Option<&str>, local: SocketAddr) -> String {
    match hostname.filter(|name| is_host(name)) {
        Some(name) => format!("{name}:{}", local.port()),
        None if local.ip().is_unspecified() => format!("localhost:{}", local.port()),
        None => local.to_string(),
    }
}

/// Letters, digits and what else a host, a port and an IPv6 address are made of: nothing that ends
/// a line, a quotation or an element.
fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !text.is_empty() && text.len() <= MAX_HOST && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: Option<&str>, hostname: Option<&str>, local: &str) -> String {
        let request = Request { host: host.map(str::to_owned), ..Request::default() };
        base_url(&request, hostname, local.parse().unwrap())
    }

    #[test]
    fn the_name_that_the_client_used_wins() {
        assert_eq!(url(Some("radio"), Some("other"), "0.0.0.0:8000"), "http://radio");
        assert_eq!(url(Some("[::1]:8000"), None, "[::]:8000"), "http://[::1]:8000");
    }

    #[test]
    fn a_hostile_name_is_not_repeated() {
        for host in ["a b", "a\"", "a<b>", "a/b", "", "ä", "a\r\nb"] {
            assert_eq!(url(Some(host), Some("me"), "0.0.0.0:8000"), "http://me:8000", "{host:?}");
        }
    }

    #[test]
    fn without_a_name_it_is_the_address_we_listen_on() {
        assert_eq!(url(None, None, "192.0.2.1:8000"), "http://192.0.2.1:8000");
        assert_eq!(url(None, None, "0.0.0.0:80"), "http://localhost:80");
        assert_eq!(url(None, None, "[::1]:80"), "http://[::1]:80");
    }

    #[test]
    fn a_proxy_with_tls_gets_https() {
        let request = Request { host: Some("r".into()), is_https: true, ..Request::default() };
        assert_eq!(base_url(&request, None, "0.0.0.0:1".parse().unwrap()), "https://r");
    }
}
