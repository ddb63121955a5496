//! The guard of the front door: who sent wrong passwords lately is answered without being looked at.

use std::{net::IpAddr, time::Instant};

use crate::icy::Answer;
pub(super) use crate::net::guard::{Guard, LockedOut};

/// What one who is not looked at is told.
pub(super) fn locked_out(locked_out: LockedOut) -> Answer {
    let mut answer = Answer::login_wanted();
    answer.headers.push_str(&format!("Retry-After: {}\r\n", locked_out.left.as_secs() + 1));
    answer
}

/// Judges one who comes, with a login or without, by `judge`, and notes how that went.
///
/// # Errors
/// What it is answered: 401 without being looked at where it failed too often.
pub(super) fn watch<T>(
    guard: &Guard,
    has_login: bool,
    (address, now): (IpAddr, Instant),
    judge: impl FnOnce() -> Result<T, Answer>,
) -> Result<T, Answer> {
    if !has_login {
        return judge();
    }
    guard.allows(address, now).map_err(locked_out)?;
    let judged = judge();
    match &judged {
        Err(answer) if answer.status == 401 => guard.failed(address, now),
        // What is not there says nothing about a password.
        Err(answer) if answer.status == 404 => {}
        _ => guard.succeeded(address),
    }
    judged
}
