//! The setting of a command: its configuration, and whether a server or the database is asked.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{arguments::Global, client::Client, desk::Desk, direct::Direct, places};
use crate::config::{Config, DataDir, DataDirError, Flags, Password, Places, Secrets};

/// Everything that a command has to know of its surroundings.
pub(super) struct Setting {
    pub(super) config: Config,
    server: Option<String>,
    token: Option<Password>,
}

/// Where this user's things are.
pub(super) fn find_places(global: &Global) -> Places {
    places::find(|name| std::env::var_os(name), global.config.as_deref())
}

/// The layers of the configuration put together.
pub(super) fn configure(global: &Global, flags: &Flags) -> Result<Config> {
    Ok(Config::load(&find_places(global), std::env::vars_os(), flags)?)
}

/// A path as seen from the root: what a server elsewhere on this machine understands.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}

impl Setting {
    /// Reads the configuration.
    pub(super) fn load(global: &Global) -> Result<Self> {
        let flags = Flags { data: global.data.clone(), ..Flags::default() };
        Ok(Self {
            config: configure(global, &flags)?,
            server: global.server.clone(),
            token: global.token.as_deref().map(Password::from),
        })
    }

    /// The data directory, whether it is there or not.
    pub(super) fn data(&self) -> DataDir {
        DataDir::at(&self.config.directories.data)
    }

    /// The server is one that was named, and its files may be on another machine.
    pub(super) fn is_remote(&self) -> bool {
        self.server.is_some()
    }

    /// The running server, for commands that need one.
    pub(super) fn server(&self) -> Result<Client> {
        match self.running()? {
            Some(client) => Ok(client),
            None => bail!(
                "no server runs on {}; start one with `musicdb-stream serve`, or name its --data or --server",
                self.data().path().display()
            ),
        }
    }

    /// The running server, else the database itself.
    pub(super) fn desk(&self) -> Result<Box<dyn Desk>> {
        if let Some(client) = self.running()? {
            return Ok(Box::new(client));
        }
        match Direct::open(&self.config) {
            Ok(direct) => Ok(Box::new(direct)),
            // A server that started between the two looks.
            Err(error) => match error.downcast_ref::<DataDirError>() {
                Some(DataDirError::Running { url, .. }) => Ok(Box::new(self.local(url)?)),
                _ => Err(error),
            },
        }
    }

    fn running(&self) -> Result<Option<Client>> {
        match &self.server {
            Some(url) => Client::new(url, self.token.clone()).map(Some),
            None => self.data().running().map(|url| self.local(&url)).transpose(),
        }
    }

    /// The server of our own data directory, whose token lies beside its lock.
    fn local(&self, url: &str) -> Result<Client> {
        Client::new(url, Some(Secrets::control_token(&self.data())?))
    }
}
