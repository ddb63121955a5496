//! `backup`: a verified copy of the database, while it is in use or not.

use std::{io::Write, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::setting::{Setting, absolute};

/// What `backup` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The file to write; it must not be there yet
    file: PathBuf,
}

pub(super) fn run(options: &Options, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let database = setting.data().database();
    if !setting.is_remote() && !database.exists() {
        bail!("there is no database at {} yet; name another --data", database.display());
    }
    setting.desk()?.backup(&absolute(&options.file)?)?;
    Ok(writeln!(screen, "Wrote and verified {}.", options.file.display())?)
}
