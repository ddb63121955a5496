//! Forwarded: whose request a proxy brings, by `X-Forwarded-For` and its kin or by `Forwarded`
//! (RFC 7239); pure.
//!
//! Each proxy adds the address that it was called from at the end of the list. Read from there, the
//! first one that is no proxy of ours is the client; what stands before it anyone may have written.

use std::net::{IpAddr, SocketAddr};

use super::{guest_list::GuestList, request::Request};

/// What one proxy says about whoever called it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    /// Nothing where it hides it.
    address: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

/// The address of the client, and in `request` under which scheme and name it has called. Only what
/// a proxy of the list says is believed; where the list has none, a proxy on this machine is still
/// believed the scheme, which changes nothing but the links in playlists.
pub(super) fn believe(request: &mut Request, peer: IpAddr, guests: &GuestList) -> IpAddr {
    let peer = peer.to_canonical();
    if !guests.trusts(peer) {
        if guests.trusts_nobody() && peer.is_loopback() {
            request.is_https |= first(request, "x-forwarded-proto").is_some_and(is_https);
        }
        return peer;
    }
    let hops = hops(request);
    let (mut client, mut told) = (peer, None);
    for hop in hops.iter().rev() {
        let Some(address) = hop.address else { break };
        (client, told) = (address, Some(hop));
        if !guests.trusts(address) {
            break;
        }
    }
    let said = |name: &str, told: Option<&String>| {
        first(request, name).map(str::to_owned).or_else(|| told.cloned())
    };
    let proto = said("x-forwarded-proto", told.and_then(|hop| hop.proto.as_ref()));
    let host = said("x-forwarded-host", told.and_then(|hop| hop.host.as_ref()));
    if let Some(proto) = proto {
        request.is_https = is_https(&proto);
    }
    if host.is_some() {
        request.host = host;
    }
    client
}

fn is_https(proto: &str) -> bool {
    proto.eq_ignore_ascii_case("https")
}

/// The first item of a header that is a list.
fn first<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let item = request.header(name)?.split(',').next()?.trim();
    (!item.is_empty()).then_some(item)
}

/// All that proxies say, in the order in which they were passed. `X-Forwarded-For` counts for more:
/// most proxies add to it, and let through whatever `Forwarded` they are sent.
fn hops(request: &Request) -> Vec<Hop> {
    let lines = |name: &'static str| {
        let lines = request.headers.iter().filter(move |header| header.0 == name);
        lines.map(|header| String::from_utf8_lossy(&header.1))
    };
    let addresses = lines("x-forwarded-for").flat_map(|line| {
        let items = line.split(',').map(|item| Hop { address: node(item), ..Hop::default() });
        items.collect::<Vec<_>>()
    });
    let hops: Vec<Hop> = addresses.collect();
    if !hops.is_empty() {
        return hops;
    }
    let elements = lines("forwarded").flat_map(|line| {
        let elements = outside_quotes(&line, ',');
        elements.into_iter().map(element).collect::<Vec<_>>()
    });
    elements.collect()
}

/// `for=192.0.2.60;proto=https;host="radio:8000"`.
fn element(text: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in outside_quotes(text, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = value.trim().trim_matches('"').replace('\\', "");
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = node(&value),
            "proto" => hop.proto = Some(value),
            "host" => hop.host = Some(value),
            _ => {}
        }
    }
    hop
}

/// The parts of `text` between separators that stand in no quotation.
fn outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + c.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// An address, with a port or without one; nothing for `unknown` and made-up names.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::ServerOptions;

    fn guests(trusted: &[&str]) -> GuestList {
        let trusted_proxies = trusted.iter().map(|text| text.parse().unwrap()).collect();
        GuestList::of(&ServerOptions { trusted_proxies, ..ServerOptions::default() })
    }

    /// The client, the scheme and the host of a request with these lines.
    fn seen(trusted: &[&str], peer: &str, lines: &[(&str, &str)]) -> (String, bool, String) {
        let headers = lines.iter().map(|(name, value)| ((*name).into(), value.as_bytes().to_vec()));
        let mut request = Request {
            headers: headers.collect(),
            host: Some("asked".into()),
            ..Request::default()
        };
        let client = believe(&mut request, peer.parse().unwrap(), &guests(trusted));
        (client.to_string(), request.is_https, request.host.unwrap())
    }

    #[test]
    fn nobody_is_believed_who_was_not_named() {
        let lines = [
            ("x-forwarded-for", "203.0.113.5"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=203.0.113.5;proto=https;host=evil"),
        ];
        assert_eq!(
            seen(&["10.0.0.1"], "10.0.0.2", &lines),
            ("10.0.0.2".into(), false, "asked".into())
        );
        // A proxy on this machine has always chosen the scheme, and nothing else.
        assert_eq!(seen(&[], "127.0.0.1", &lines), ("127.0.0.1".into(), true, "asked".into()));
        assert!(!seen(&[], "192.0.2.1", &lines).1);
        assert!(!seen(&["10.0.0.1"], "127.0.0.1", &lines).1, "once proxies are named, only they");
    }

    #[test]
    fn the_client_is_the_last_one_that_is_no_proxy() {
        let client = |list: &str| seen(&["10.0.0.0/8"], "10.0.0.1", &[("x-forwarded-for", list)]).0;
        assert_eq!(client("203.0.113.5"), "203.0.113.5");
        assert_eq!(client("1.1.1.1, 203.0.113.5, 10.2.0.1"), "203.0.113.5");
        assert_eq!(client("203.0.113.5:4711"), "203.0.113.5");
        assert_eq!(client("[2001:db8::1]:4711"), "2001:db8::1");
        assert_eq!(client("2001:db8::1"), "2001:db8::1");
        assert_eq!(client("::ffff:203.0.113.5"), "203.0.113.5");
        assert_eq!(client("10.0.0.9, 10.0.0.8"), "10.0.0.9", "all are proxies: the farthest");
        assert_eq!(client("203.0.113.5, unknown"), "10.0.0.1", "what is hidden ends the search");
        assert_eq!(client(""), "10.0.0.1");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.5")];
        assert_eq!(seen(&["10.0.0.1"], "10.0.0.1", &lines).0, "203.0.113.5", "lines are one list");
    }

    #[test]
    fn forwarded_tells_all_three_and_counts_for_less() {
        let value = r#"for=1.1.1.1;host=evil, for="[2001:db8::1]:99"; Proto=https;host="radio:8000", for=10.0.0.2"#;
        let got = seen(&["10.0.0.0/8"], "10.0.0.1", &[("forwarded", value)]);
        assert_eq!(got, ("2001:db8::1".into(), true, "radio:8000".into()));
        let both = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "203.0.113.5")];
        assert_eq!(seen(&["10.0.0.1"], "10.0.0.1", &both).0, "203.0.113.5");
        let kin = [("x-forwarded-proto", "https, http"), ("x-forwarded-host", "radio, inner")];
        let got = seen(&["10.0.0.1"], "10.0.0.1", &kin);
        assert_eq!(got, ("10.0.0.1".into(), true, "radio".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_what_a_client_writes_first_changes_nothing(text in any::<String>()) {
            let text = text.replace(',', " ");
            let list = format!("{text}, 203.0.113.5");
            let lines = [("x-forwarded-for", list.as_str())];
            prop_assert_eq!(seen(&["10.0.0.1"], "10.0.0.1", &lines).0, "203.0.113.5");
            let _ = seen(&["10.0.0.1"], "10.0.0.1", &[("forwarded", &text)]);
        }
    }
}
