//! The gate: where a listener of a mount has to log in, by a file of passwords or by asking a server.

mod auth_server;
mod password_file;
mod session;

use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::{config::MountSettings, server::login::Login};
use auth_server::AuthServer;
use password_file::PasswordFile;
pub(super) use session::Session;

/// Who decides.
#[derive(Debug)]
pub(super) enum Gate {
    File(Arc<PasswordFile>),
    /// Boxed: there are few of them, and they are large.
    Server(Box<AuthServer>),
    /// It could not be set up: nobody is let in.
    Shut,
}

/// Somebody at the gate.
#[derive(Debug)]
pub(super) struct Caller {
    /// The number that the listener will be known by.
    pub(super) id: u32,
    pub(super) login: Option<Login>,
    /// The mount as it was asked for, with its query.
    pub(super) mount: String,
    pub(super) address: IpAddr,
    pub(super) user_agent: String,
    /// The name and the port of this server.
    pub(super) server: String,
    pub(super) port: u16,
}

/// What becomes of a caller.
#[derive(Debug)]
pub(super) enum Verdict {
    Admitted(Ticket),
    /// The name or the password is wrong, or none was given; with the words for it, if there are any.
    Refused(Option<String>),
    /// When its turn came, its address had sent too many wrong passwords: it was not looked at.
    LockedOut,
    /// Whoever decides cannot be asked now.
    Unknown,
}

/// What a listener was let in with.
#[derive(Debug, Default)]
pub(super) struct Ticket {
    /// The number that it is to be known by; nothing: the next one.
    pub(super) id: Option<u32>,
    /// As whom; empty where nobody asked.
    pub(super) user: String,
    /// For how long.
    pub(super) time_limit: Option<Duration>,
    /// Tells of its end.
    pub(super) session: Option<Session>,
}

impl Gate {
    /// The gate of a mount, where the configuration wants one.
    pub(super) fn of(settings: &MountSettings) -> Option<Self> {
        if let Some(file) = &settings.listener_file {
            return Some(Self::File(Arc::new(PasswordFile::at(file.clone()))));
        }
        let url = settings.listener_url.as_ref()?;
        match AuthServer::new(url, settings.listener_url_remove.as_ref()) {
            Ok(server) => Some(Self::Server(Box::new(server))),
            Err(error) => {
                let mount = &settings.name;
                tracing::error!(mount, %error, "the server of mount.listener_url cannot be asked: nobody may listen");
                Some(Self::Shut)
            }
        }
    }

    /// Decides about a caller; takes no longer than the server of a URL is given. `may` is asked when
    /// its turn has come: many at once from one address shall not be many guesses. Needs a runtime.
    pub(super) async fn ask(&self, caller: Caller, may: impl FnOnce() -> bool) -> Verdict {
        match self {
            Self::File(file) => {
                let Some(login) = caller.login else { return Verdict::Refused(None) };
                let user = login.user().to_owned();
                match Arc::clone(file).knows(login, may).await {
                    Ok(true) => {
                        Verdict::Admitted(Ticket { id: Some(caller.id), user, ..Ticket::default() })
                    }
                    Ok(false) => Verdict::Refused(None),
                    Err(verdict) => verdict,
                }
            }
            Self::Server(server) => server.ask(&caller, may).await,
            Self::Shut => Verdict::Unknown,
        }
    }
}
