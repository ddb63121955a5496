//! The options: what the player is told once.

use std::time::Duration;

use super::title::TitleForm;
use crate::config::{AfterReconnect, Mixed, OnLoss};

/// What the player is told once.
#[derive(Debug, Clone)]
pub struct PlayerOptions {
    /// About how long a group of frames is.
    pub tick: Duration,
    /// The name of the output whose link decides `is_connected`: `icecast` or `mount`.
    pub main_output: &'static str,
    /// Without the main output nothing is played (a real Icecast with `on_loss = "hold"`).
    pub on_loss: OnLoss,
    /// What happens when the main output is back.
    pub after_reconnect: AfterReconnect,
    /// What happens to a song of another format.
    pub mixed: Mixed,
    /// How titles are made.
    pub title: TitleForm,
    /// The title while nothing plays.
    pub name: String,
    /// `debug.disable_icecast`: no frame leaves.
    pub disabled: bool,
}
