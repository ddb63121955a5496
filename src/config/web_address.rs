//! The address of a web server, which may hold a login that no log and no serialisation ever shows.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::Password;

/// `http://` or `https://`, a login where there is one, a host, a path and a query.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct WebAddress(String);

impl WebAddress {
    /// The address itself: for the one place that goes there.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// It has a scheme that is known, and something that can be a host.
    pub(super) fn is_one(&self) -> bool {
        is_web_address(&self.0)
    }

    /// What may be seen of it: of a login the user where a password follows, of a query nothing.
    fn shown(&self) -> String {
        let mask = Password::MASK;
        let from = self.0.find("://").map_or(0, |at| at + 3);
        let (scheme, rest) = self.0.split_at(from);
        let has_more = |rest: &str| rest.contains('@');
        let (rest, query, is_cut) = match rest.split_once('?') {
            Some((rest, query)) => (rest, format!("?{mask}"), has_more(query)),
            None => (rest, String::new(), false),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // Most likely the beginning of a password with a `/` or a `?` in it.
        let is_cut = authority.contains([':', '@']) && (is_cut || has_more(path));
        match authority.rsplit_once('@') {
            _ if is_cut => format!("{scheme}{mask}"),
            Some((login, host)) => {
                let user = login.split_once(':').map(|(user, _)| format!("{user}:"));
                format!("{scheme}{}{mask}@{host}{path}{query}", user.unwrap_or_default())
            }
            None if !has_port(authority) => format!("{scheme}{mask}"),
            None => format!("{scheme}{authority}{path}{query}"),
        }
    }
}

/// Behind the host stands a port's number, or nothing.
fn has_port(host: &str) -> bool {
    // An IPv6 address has colons of its own.
    let behind = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    behind.split_once(':').is_none_or(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
}

/// `http://` or `https://` and something that can be a host.
pub(super) fn is_web_address(url: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let authority = rest.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_plain = url.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\#".contains(c));
    is_plain && !host.is_empty() && !host.starts_with(':') && has_port(host)
}

impl From<&str> for WebAddress {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for WebAddress {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for WebAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_and_queries_are_masked_and_the_rest_is_shown() {
        for (address, shown) in [
            ("http://127.0.0.1:8080/auth", "http://127.0.0.1:8080/auth"),
            ("https://ann:pa@ss@host/a", "https://ann:********@host/a"),
            ("https://token@host", "https://********@host"),
            ("http://host/a?key=hackme&x=1", "http://host/a?********"),
            ("http://host/a@b:c", "http://host/a@b:c"),
            ("ftp://ann:hackme@host/", "ftp://ann:********@host/"),
            ("ann:hackme@host", "ann:********@host"),
            ("http://ann:hack/me@host/", "http://********"),
            ("http://ann:hack?me@host/", "http://********"),
            ("http://ann:12?hackme@host/", "http://********"),
            ("http://ann:12/hackme@host/", "http://********"),
            ("http://ann:@/hackme@host/", "http://********"),
            ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ] {
            assert_eq!(WebAddress::from(address).to_string(), shown);
        }
        assert!(is_web_address("http://ann:hackme@host/"));
        assert!(is_web_address("http://[::1]:80/") && !is_web_address("http://ann:hack/me@host/"));
        assert!(!is_web_address("http://ann:hackme@/") && !is_web_address("http://:80/"));
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_shown_without_a_fault_and_without_its_password(
            text in "\\PC{0,20}",
            user in "[a-z]{0,3}",
        ) {
            let _ = WebAddress::from(text.as_str()).to_string();
            let whole = WebAddress::from(format!("http://{user}:{text}hackme@host/"));
            prop_assert!(!whole.to_string().contains("hackme"), "{}", whole);
        }
    }
}
