//! `[icecast]`: a real Icecast that the stream goes to.

use serde::{Deserialize, Serialize};

use super::Password;

/// A real Icecast that the stream goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Icecast {
    /// Send the stream there.
    pub enabled: bool,
    /// Its name or address; every address that the name has is tried.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The source user.
    pub user: String,
    /// The source password.
    pub password: Password,
    /// The mount there; begins with `/`.
    pub mountname: String,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// What the song does while the connection is lost.
    pub on_loss: OnLoss,
    /// What happens when the connection is back.
    pub after_reconnect: AfterReconnect,
}

/// Whether the connection to Icecast is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Never.
    #[default]
    Off,
    /// Where the server can; once it could, never plain again.
    Auto,
    /// Always, or no connection.
    Required,
}

/// What the song does while the connection is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLoss {
    /// Song and frame are held; local listeners hear silence.
    #[default]
    Hold,
    /// The station plays on, and Icecast joins live again.
    Continue,
}

/// What happens when the connection is back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AfterReconnect {
    /// Playing goes on at the held frame.
    #[default]
    Resume,
    /// It stays paused, and the song starts over.
    Pause,
}

impl Default for Icecast {
    fn default() -> Self {
        Self {
            enabled: false,
            host: "localhost".to_owned(),
            port: 8000,
            user: "source".to_owned(),
            password: Password::default(),
            mountname: "/stream".to_owned(),
            tls: Tls::default(),
            on_loss: OnLoss::default(),
            after_reconnect: AfterReconnect::default(),
        }
    }
}
