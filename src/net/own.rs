//! Our own address: tells a target that is this program's own listener, which would hear itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// `host:port` is plainly the listener at `listen`, as far as it can be told without resolving.
///
/// `host` is a name or an address, IPv6 with or without brackets. Pure: for checks of a
/// configuration. A name that only turns out to be ours once resolved is found by
/// [`is_self_address`].
#[must_use]
pub fn is_self(host: &str, port: u16, listen: SocketAddr) -> bool {
    let host = bare(host);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return is_self_address(SocketAddr::new(ip, port), listen, |_| false);
    }
    // RFC 6761 section 6.3: "localhost" and what ends in it is always the loopback.
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_loopback_name = name == "localhost" || name.ends_with(".localhost");
    let listen_ip = listen.ip().to_canonical();
    is_loopback_name
        && port != 0
        && port == listen.port()
        && (listen_ip.is_loopback() || listen_ip.is_unspecified())
}

/// Connecting to `address` would reach the listener at `listen`; `is_local` says whether an
/// address that is no loopback belongs to this machine (see [`is_local`]).
#[must_use]
pub fn is_self_address(
    address: SocketAddr,
    listen: SocketAddr,
    is_local: impl FnOnce(IpAddr) -> bool,
) -> bool {
    if address.port() != listen.port() || address.port() == 0 {
        return false;
    }
    // Connecting to the unspecified address reaches the loopback.
    let target = match address.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    match listen.ip() {
        // A listener on [::] takes IPv4 too, one on 0.0.0.0 does not take IPv6.
        IpAddr::V4(ip) if ip.is_unspecified() && target.is_ipv6() => false,
        ip if ip.is_unspecified() => target.is_loopback() || is_local(target),
        ip => ip.to_canonical() == target,
    }
}

/// This machine has the address `ip`: only then can a socket be bound to it. Sends nothing.
#[must_use]
pub fn is_local(ip: IpAddr) -> bool {
    UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()
}

/// A host without the brackets that an IPv6 address wears in a URL.
#[must_use]
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// `host:port`, with brackets around an IPv6 address.
#[must_use]
pub fn authority(host: &str, port: u16) -> String {
    let host = bare(host);
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn loopback_names_and_addresses_are_recognised_before_resolving() {
        let ours = at("127.0.0.1:8000");
        for host in
            ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1"]
        {
            assert!(is_self(host, 8000, ours), "{host}");
            assert!(!is_self(host, 8001, ours), "{host}");
        }
        for host in ["127.0.0.2", "radio.example", "localhost.example", "192.0.2.1", ""] {
            assert!(!is_self(host, 8000, ours), "{host}");
        }
        assert!(is_self("[::1]", 8000, at("[::1]:8000")));
        assert!(is_self("::", 8000, at("[::1]:8000")));
        assert!(!is_self("[::1]", 8000, ours));
    }

    #[test]
    fn a_wildcard_listener_covers_its_family_and_both_where_it_is_ipv6() {
        let (four, six) = (at("0.0.0.0:8000"), at("[::]:8000"));
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "0.0.0.0"] {
            assert!(is_self(host, 8000, four), "{host}");
            assert!(is_self(host, 8000, six), "{host}");
        }
        assert!(is_self("::1", 8000, six));
        assert!(!is_self("::1", 8000, four));
        let lan = at("192.0.2.7:8000");
        assert!(is_self_address(lan, four, |_| true));
        assert!(is_self_address(lan, six, |_| true));
        assert!(!is_self_address(lan, four, |_| false));
        assert!(!is_self_address(lan, at("127.0.0.1:8000"), |_| true));
        assert!(is_self_address(lan, lan, |_| false));
    }

    #[test]
    fn a_port_that_is_not_chosen_yet_is_never_ours() {
        assert!(!is_self("localhost", 0, at("127.0.0.1:0")));
    }

    #[test]
    fn an_address_is_local_only_where_a_socket_can_be_bound_to_it() {
        assert!(is_local(at("127.0.0.1:1").ip()));
        assert!(!is_local(at("192.0.2.1:1").ip()), "TEST-NET-1 of RFC 5737");
    }

    #[test]
    fn an_authority_has_brackets_around_ipv6_only() {
        assert_eq!(authority("::1", 8000), "[::1]:8000");
        assert_eq!(authority("[::1]", 8000), "[::1]:8000");
        assert_eq!(authority("radio.example", 80), "radio.example:80");
    }
}
