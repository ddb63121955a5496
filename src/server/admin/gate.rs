//! Who may ask for what.

use std::{net::IpAddr, time::Instant};

use super::{arguments::Arguments, command::Command};
use crate::{
    icy::Answer,
    server::{document::Documents, guard::locked_out, login::Login},
};

const ADMIN: &str = "admin";
const RELAY: &str = "relay";

/// Who was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Admin,
    /// May set titles.
    Source,
    /// May see which streams there are.
    Relay,
    /// Nobody was asked.
    Anyone,
}

/// Lets in who may do this; an unknown command is the administrator's to hear about.
///
/// # Errors
/// The answer, which is 401.
pub(super) fn let_in(
    documents: &Documents,
    login: Option<&Login>,
    command: Option<Command>,
    (arguments, peer): (&Arguments, IpAddr),
    now: Instant,
) -> Result<Who, Answer> {
    let Some(login) = login else { return Err(Answer::login_wanted()) };
    let guard = &documents.guard;
    guard.allows(peer, now).map_err(locked_out)?;
    if let Some(who) = who(documents, login, command, arguments) {
        guard.succeeded(peer);
        return Ok(who);
    }
    guard.failed(peer, now);
    tracing::debug!(%peer, "a wrong name or password for the administration");
    Err(Answer::login_wanted())
}

fn who(
    documents: &Documents,
    login: &Login,
    command: Option<Command>,
    arguments: &Arguments,
) -> Option<Who> {
    let options = &documents.options;
    if login.is(ADMIN, &options.admin_password) {
        return Some(Who::Admin);
    }
    match command? {
        Command::Metadata => {
            let mount = arguments.get("mount").unwrap_or_default();
            let (user, password) = documents.mounts.source_login(mount);
            login.is(&user, &password).then_some(Who::Source)
        }
        Command::StreamList | Command::StreamListText => {
            let own = &options.relay_password;
            let password = if own.is_empty() { &options.source_password } else { own };
            login.is(RELAY, password).then_some(Who::Relay)
        }
        _ => None,
    }
}
