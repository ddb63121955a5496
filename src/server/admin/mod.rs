//! Icecast's administration under `/admin/`: its requests, its logins and its XML, as Icecast 2.4 has them.
//!
//! ```text
//!   request ── command ── gate (who may) ── desk (does it) ── reply ── XML, or a page for people
//! ```
//!
//! What differs from Icecast, and why, stands in `docs/icecast-compat.md`.

mod arguments;
mod command;
mod desk;
mod gate;
mod reply;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, time::Instant};

use crate::{
    icy::Answer,
    server::{document::Documents, fan::Fan, request::Request},
};
use arguments::Arguments;
use command::{Asked, Command};
use desk::Desk;
use gate::Who;

const METHODS: &str = "GET, OPTIONS";

/// Answers a request whose path begins with `/admin/`.
pub(super) fn answer(documents: &Documents, fan: &Fan, request: &Request, peer: IpAddr) -> Answer {
    match request.method.as_str() {
        "GET" => {}
        "OPTIONS" => return Answer::allowed(METHODS),
        _ => return Answer::error_page(400, "unknown request"),
    }
    let now = Instant::now();
    let asked = Asked::parse(&request.path);
    let arguments = Arguments::of(&request.query);
    let command = asked.map(|asked| asked.command);
    // The playlist carries its own name and password: they are the listener's.
    let who = if command == Some(Command::BuildM3u) && arguments.get("mount").is_some() {
        Who::Anyone
    } else {
        match gate::let_in(documents, request.login.as_ref(), command, (&arguments, peer), now) {
            Ok(who) => who,
            Err(answer) => return answer,
        }
    };
    let Some(asked) = asked else {
        return Answer::error_page(400, "Unrecognised command");
    };
    if asked.command.changes() && is_from_elsewhere(request) {
        return Answer::error_page(403, "Another web site may not ask for this. Open it yourself");
    }
    let desk = Desk { documents, fan, request, arguments: &arguments, peer, who, now };
    match desk.serve(asked.command) {
        Ok(reply) => reply.answer(asked.is_page),
        Err(refusal) => refusal.answer(),
    }
}

/// A browser sends it on behalf of a page of another site, with the login that it remembers:
/// W3C Fetch Metadata, `Sec-Fetch-Site`.
fn is_from_elsewhere(request: &Request) -> bool {
    matches!(request.header("sec-fetch-site"), Some("cross-site" | "same-site"))
}
