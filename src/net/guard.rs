//! The guard: wrong passwords from one address are few, and then for a while none is looked at.
//!
//! The loopback has no privilege: behind a proxy everyone comes from there.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Wrong passwords that an address may send in a [`WINDOW`].
const MOST_FAILURES: u32 = 10;
/// From the first wrong password to when all are forgotten.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered, of which each takes some 60 bytes; the one that failed first is
/// forgotten for a new one.
const MOST_ADDRESSES: usize = 4096;
/// An IPv6 network of one subscriber has 64 bits (RFC 6177); to change the others costs nothing.
const SUBSCRIBER: u32 = 64;

/// Who failed lately.
#[derive(Debug, Default)]
pub struct Guard {
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    first: Instant,
    count: u32,
    /// A right password has wiped some away; it does so once in a window, because one who knows a
    /// password may still be guessing at another.
    pardoned: bool,
}

/// This address failed too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedOut {
    /// How long it lasts.
    pub left: Duration,
}

impl Guard {
    /// Whether a password from this address is looked at.
    ///
    /// # Errors
    /// It is not: answer 401 and say how long to wait.
    pub fn allows(&self, address: IpAddr, now: Instant) -> Result<(), LockedOut> {
        match self.lock().get(&subscriber(address)) {
            Some(failures) if failures.count >= MOST_FAILURES && !failures.is_over(now) => {
                let left = WINDOW.saturating_sub(now.saturating_duration_since(failures.first));
                Err(LockedOut { left })
            }
            _ => Ok(()),
        }
    }

    /// A wrong password came from this address.
    pub fn failed(&self, address: IpAddr, now: Instant) {
        let address = subscriber(address);
        let mut all = self.lock();
        if all.len() >= MOST_ADDRESSES && !all.contains_key(&address) {
            all.retain(|_, failures| !failures.is_over(now));
            while all.len() >= MOST_ADDRESSES {
                let Some(oldest) = all.iter().min_by_key(|entry| entry.1.first) else { break };
                let oldest = *oldest.0;
                all.remove(&oldest);
            }
        }
        let fresh = Failures { first: now, count: 0, pardoned: false };
        let failures = all.entry(address).or_insert(fresh);
        if failures.is_over(now) {
            *failures = fresh;
        }
        failures.count = failures.count.saturating_add(1);
    }

    /// A right password came from this address.
    pub fn succeeded(&self, address: IpAddr) {
        if let Some(failures) = self.lock().get_mut(&subscriber(address))
            && !failures.pardoned
        {
            failures.pardoned = true;
            failures.count = 0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.first) >= WINDOW
    }
}

/// All that one subscriber can come from counts as one address.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << (Ipv6Addr::BITS - SUBSCRIBER);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fail(guard: &Guard, address: &str, times: u32, now: Instant) {
        (0..times).for_each(|_| guard.failed(address.parse().unwrap(), now));
    }

    fn allows(guard: &Guard, address: &str, now: Instant) -> bool {
        guard.allows(address.parse().unwrap(), now).is_ok()
    }

    #[test]
    fn who_failed_ten_times_is_locked_out_for_the_rest_of_the_minute() {
        let (guard, now) = (Guard::default(), Instant::now());
        fail(&guard, "127.0.0.1", MOST_FAILURES - 1, now);
        assert!(allows(&guard, "127.0.0.1", now));
        fail(&guard, "127.0.0.1", 1, now + Duration::from_secs(20));
        let later = now + Duration::from_secs(50);
        let left = guard.allows("::ffff:127.0.0.1".parse().unwrap(), later).unwrap_err().left;
        assert_eq!(left, Duration::from_secs(10));
        assert!(allows(&guard, "127.0.0.2", later));
        assert!(allows(&guard, "127.0.0.1", now + WINDOW));
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let (guard, now) = (Guard::default(), Instant::now());
        for host in 1..=MOST_FAILURES {
            fail(&guard, &format!("2001:db8::{host}"), 1, now);
        }
        assert!(!allows(&guard, "2001:db8::ffff", now));
        assert!(allows(&guard, "2001:db8:0:1::1", now));
    }

    #[test]
    fn a_right_password_wipes_failures_away_once_and_opens_no_way_to_guess_another() {
        let (guard, now) = (Guard::default(), Instant::now());
        let address = "192.0.2.1".parse().unwrap();
        let mut looked_at = 0;
        for _ in 0..100 {
            if guard.allows(address, now).is_ok() {
                looked_at += 1;
                guard.failed(address, now);
            }
            guard.succeeded(address);
        }
        assert_eq!(looked_at, MOST_FAILURES + 1);
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_leave_it() {
        let (guard, now) = (Guard::default(), Instant::now());
        let most = u32::try_from(MOST_ADDRESSES).unwrap();
        for number in 0..most + 10 {
            let at = now + Duration::from_millis(number.into());
            guard.failed(IpAddr::V4(number.into()), at);
        }
        assert_eq!(guard.lock().len(), MOST_ADDRESSES);
        assert!(!guard.lock().contains_key(&IpAddr::V4(9.into())));
        guard.failed(IpAddr::V4((most + 20).into()), now + 2 * WINDOW);
        assert_eq!(guard.lock().len(), 1);
    }

    proptest! {
        #[test]
        fn no_order_of_things_has_more_passwords_looked_at(
            steps in prop::collection::vec((0_u64..30, any::<bool>()), 1..200),
        ) {
            let (guard, mut now) = (Guard::default(), Instant::now());
            let address = "192.0.2.1".parse().unwrap();
            let (begun, mut looked_at) = (now, 0);
            for (seconds, succeeds) in steps {
                now += Duration::from_secs(seconds);
                if succeeds {
                    guard.succeeded(address);
                } else if guard.allows(address, now).is_ok() {
                    looked_at += 1;
                    guard.failed(address, now);
                }
            }
            let windows = now.duration_since(begun).as_secs() / WINDOW.as_secs() + 1;
            prop_assert!(looked_at <= windows * 2 * u64::from(MOST_FAILURES));
        }
    }
}
