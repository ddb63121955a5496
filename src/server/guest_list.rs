//! The guest list: from which addresses somebody may come at all; no socket.

use std::net::IpAddr;

use super::options::ServerOptions;
use crate::config::AddressRange;

/// Who is let in, and which proxies are believed. A refusal goes before a permission.
#[derive(Debug, Clone, Default)]
pub(super) struct GuestList {
    allow: Vec<AddressRange>,
    deny: Vec<AddressRange>,
    trusted: Vec<AddressRange>,
}

impl GuestList {
    pub(super) fn of(options: &ServerOptions) -> Self {
        Self {
            allow: options.allow.clone(),
            deny: options.deny.clone(),
            trusted: options.trusted_proxies.clone(),
        }
    }

    /// A client at this address may come. This machine needs no permission: its own commands go
    /// this way.
    pub(super) fn has(&self, address: IpAddr) -> bool {
        let is_allowed = self.allow.is_empty() || address.to_canonical().is_loopback();
        !is_in(&self.deny, address) && (is_allowed || is_in(&self.allow, address))
    }

    /// A connection from this address may say whose it is: one from a proxy need not be its own.
    pub(super) fn may_speak(&self, peer: IpAddr) -> bool {
        self.has(peer) || (self.trusts(peer) && !is_in(&self.deny, peer))
    }

    /// What this peer says about its own client is believed.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        is_in(&self.trusted, peer)
    }

    /// No proxy is named.
    pub(super) fn trusts_nobody(&self) -> bool {
        self.trusted.is_empty()
    }
}

fn is_in(ranges: &[AddressRange], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(allow: &[&str], deny: &[&str], trusted: &[&str]) -> GuestList {
        let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        GuestList { allow: ranges(allow), deny: ranges(deny), trusted: ranges(trusted) }
    }

    fn has(list: &GuestList, address: &str) -> bool {
        list.has(address.parse().unwrap())
    }

    #[test]
    fn a_refusal_goes_before_a_permission() {
        let nobody_named = list(&[], &[], &[]);
        assert!(has(&nobody_named, "203.0.113.1"));
        let both = list(&["192.0.2.0/24"], &["192.0.2.9", "2001:db8::/32"], &[]);
        assert!(has(&both, "192.0.2.8") && has(&both, "::ffff:192.0.2.8"));
        assert!(
            !has(&both, "192.0.2.9") && !has(&both, "203.0.113.1") && !has(&both, "2001:db8::1")
        );
    }

    #[test]
    fn this_machine_needs_no_permission_and_can_be_refused() {
        assert!(has(&list(&["192.0.2.0/24"], &[], &[]), "127.0.0.1"));
        assert!(has(&list(&["192.0.2.0/24"], &[], &[]), "::1"));
        assert!(!has(&list(&[], &["127.0.0.0/8"], &[]), "127.0.0.1"));
    }

    #[test]
    fn a_proxy_may_speak_for_others_unless_it_is_refused_itself() {
        let peer = |list: &GuestList| list.may_speak("10.0.0.1".parse().unwrap());
        assert!(peer(&list(&["192.0.2.0/24"], &[], &["10.0.0.1"])));
        assert!(!peer(&list(&["192.0.2.0/24"], &[], &[])));
        assert!(!peer(&list(&[], &["10.0.0.0/8"], &["10.0.0.1"])));
    }
}
