//! `serve`: the main job. Puts configuration, demo and banner together around the stream.

use std::{
    io::{IsTerminal, Write, stdout},
    net::{IpAddr, SocketAddr, UdpSocket},
    path::PathBuf,
};

use anyhow::Result;
use clap::Args;

use super::{
    arguments::Global,
    banner::{Banner, Plays},
    demo,
    setting::{configure, find_places},
};
use crate::config::{Config, Flags, Password, Start, local_url};

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The folder with the MP3 files
    #[arg(long, value_name = "DIR", conflicts_with = "demo")]
    music: Option<PathBuf>,
    /// Address and port of stream, page and API
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Begin playing, whatever was wanted last
    #[arg(long, conflicts_with = "paused")]
    play: bool,
    /// Begin paused, whatever was wanted last
    #[arg(long)]
    paused: bool,
    /// Play three short pieces that come with the program, with a data directory of their own
    #[arg(long)]
    demo: bool,
}

pub(super) fn run(options: &Options, global: &Global, screen: &mut dyn Write) -> Result<()> {
    let config = prepare(options, global)?;
    let _ = (config, screen);
    anyhow::bail!("x")
}

/// The configuration of this start; with `--demo`, its music is there afterwards.
fn prepare(options: &Options, global: &Global) -> Result<Config> {
    let start = match (options.play, options.paused) {
        (true, _) => Some(Start::Playing),
        (_, true) => Some(Start::Paused),
        _ => None,
    };
    let mut flags = Flags {
        data: global.data.clone(),
        music: options.music.clone(),
        listen: options.listen,
        start,
        min_song_length: None,
    };
    if options.demo {
        demo::prepare(&find_places(global), &mut flags)?;
    }
    configure(global, &flags)
}
