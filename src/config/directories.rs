//! `[directories]`: where music and data are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where music and data are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Directories {
    /// The music folder that `serve` scans. Empty: [`Config::load`](crate::config::Config::load)
    /// puts the user's music folder here.
    pub music: PathBuf,
    /// The data directory: database, lock, passwords. Empty: filled in like `music`.
    pub data: PathBuf,
    /// Look out for changes in the music folder while serving.
    pub watch: bool,
}
