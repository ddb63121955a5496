//! `serve`: the main job. Puts configuration, demo and banner together around the stream.

use std::{
    io::Write,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::PathBuf,
};

use anyhow::Result;
use clap::Args;

use super::{
    arguments::Global,
    banner::{Banner, Plays},
    demo,
    end::End,
    open_files,
    setting::{configure, find_places},
};
use crate::{
    AudioStream,
    config::{Config, Flags, Start},
};

/// An address that stands for the world outside (RFC 5737).
const DOCUMENTATION_ADDRESS: &str = "192.0.2.1:9";

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
    let mut config = prepare(options, global)?;
    let mut end = End::listen()?;
    for key in config.without_effect() {
        tracing::warn!("the setting {key} has no effect in this version");
    }
    if let Some(limit) = open_files::raise() {
        open_files::fit(&mut config.server, limit);
    }
    let stream = AudioStream::start(config.clone())?;
    let icecast =
        format!("{}:{}{}", config.icecast.host, config.icecast.port, config.icecast.mountname);
    let songs = stream.manager().library().playable().unwrap_or(0);
    let folder = &config.directories.music;
    let banner = Banner {
        listen: stream.address(),
        tls: stream.tls_address(),
        mount: &config.server.mountname,
        control: &format!("{}/", stream.url()),
        plays: if options.demo { Plays::Demo } else { Plays::Library { folder, songs } },
        network: network_address(),
        icecast: config.icecast.enabled.then_some(icecast.as_str()),
    };
    // Whoever reads the banner may have gone: the stream goes on.
    let _ = screen.write_all(banner.text().as_bytes()).and_then(|()| screen.flush());
    end.wait()?;
    // Whoever asks twice does not want to wait for a disk that hangs.
    std::thread::spawn(move || {
        let _ = end.wait_again();
        std::process::exit(1);
    });
    if let Err(error) = stream.stop() {
        tracing::warn!("{error}");
    }
    Ok(())
}

/// This machine's address in the local network: the one from which it would send to elsewhere.
/// Nothing is sent.
fn network_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(DOCUMENTATION_ADDRESS).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
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
