//! `config`: the configuration that holds, or the commented default file.

use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;

use super::{
    arguments::Global,
    setting::{configure, find_places},
};
use crate::config::{Config, Flags};

/// Flags of `config`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print the default file with its comments instead; it is a good beginning for your own
    #[arg(long)]
    default: bool,
}

pub(super) fn run(options: &Options, global: &Global, screen: &mut dyn Write) -> Result<()> {
    if options.default {
        return Ok(screen.write_all(Config::default_file().as_bytes())?);
    }
    let flags = Flags { data: global.data.clone(), ..Flags::default() };
    let config = configure(global, &flags)?;
    let places = find_places(global);
    if let Some(file) = places.file() {
        let read = if file.exists() { "read from" } else { "nothing is read from" };
        writeln!(screen, "# {read} {}", file.display())?;
    }
    let text = config.effective().context("a path of the configuration is not UTF-8; rename it")?;
    Ok(screen.write_all(text.as_bytes())?)
}
