//! A range of addresses: one address, or a network such as 192.0.2.0/24.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// Bits of an IPv6 address before the IPv4 address that it may carry (RFC 4291 section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// One address, or all those of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange(IpNet);

/// A text that is no range. Write one as the message shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither an address nor a network; write \"192.0.2.7\", \"192.0.2.0/24\" or \"2001:db8::/32\""
)]
pub struct NoRange(String);

impl AddressRange {
    /// `address` is in it; an IPv4 address in IPv6 form is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for AddressRange {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Self, NoRange> {
        let wrong = || NoRange(text.to_owned());
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_canonical().into()));
        }
        let net = text.parse::<IpNet>().map_err(|_| wrong())?;
        let IpAddr::V4(mapped) = net.addr().to_canonical() else { return Ok(Self(net.trunc())) };
        let bits = match net {
            IpNet::V4(net) => net.prefix_len(),
            IpNet::V6(net) => net.prefix_len().checked_sub(MAPPED_BITS).ok_or_else(wrong)?,
        };
        let net = Ipv4Net::new(mapped, bits).map_err(|_| wrong())?;
        Ok(Self(IpNet::V4(net.trunc())))
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            write!(f, "{}", self.0.addr())
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = NoRange;

    fn try_from(text: String) -> Result<Self, NoRange> {
        text.parse()
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn has(text: &str, address: &str) -> bool {
        range(text).contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_itself_and_a_network_all_of_its_own() {
        assert!(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.8"));
        assert!(has("192.0.2.0/24", "192.0.2.255") && !has("192.0.2.0/24", "192.0.3.0"));
        assert!(has("2001:db8::/32", "2001:db8:1::5") && !has("2001:db8::/32", "2001:db9::"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "::1"));
    }

    #[test]
    fn ipv4_in_ipv6_form_is_ipv4_on_both_sides() {
        assert!(has("192.0.2.0/24", "::ffff:192.0.2.1"));
        assert!(has("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(has("::ffff:192.0.2.0/120", "192.0.2.9"));
    }

    #[test]
    fn it_is_written_as_short_as_it_is_read() {
        for text in ["192.0.2.7", "192.0.2.0/24", "::1", "2001:db8::/32"] {
            assert_eq!(range(text).to_string(), text);
        }
        assert_eq!(range("192.0.2.9/24").to_string(), "192.0.2.0/24");
        for wrong in ["", "192.0.2", "192.0.2.1/33", "localhost", "::ffff:1.2.3.4/64"] {
            let said = wrong.parse::<AddressRange>().unwrap_err().to_string();
            assert!(said.starts_with(&format!("`{wrong}` is neither")), "{said}");
        }
    }
}
