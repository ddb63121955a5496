//! `monitor`: plays PCM on this machine, from the network, from a file or from a stream.

mod progress;
mod stage;
mod stream;

use std::{
    fs::File,
    io::{Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{end::End, failure::Usage};
use crate::{
    config::SinkSpec,
    monitor::{
        pcm::Unpacker,
        receiver::{Received, Receiver, Second},
    },
};
use stage::{Curtain, Stage};

/// Bytes of a file that are read at once.
const PIECE: usize = 64 * 1024;
/// After the second Ctrl-C a sink may take so long to end.
const LEAVE_LIMIT: Duration = Duration::from_millis(500);

/// What `monitor` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Where raw PCM is received: 16 bits, two channels, 44.1 kHz, the lower byte first
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:44100")]
    listen: SocketAddr,
    /// Where to play: waveout, alsa[:DEVICE], exec:COMMAND, wav:FILE or tcp:HOST:PORT [default: the
    /// sound of this system]
    #[arg(long, value_name = "SINK")]
    sink: Option<SinkSpec>,
    /// A new client takes the place of the one that is heard
    #[arg(long)]
    replace: bool,
    /// Play this file of raw PCM, or the stream at this URL, in place of what comes from the network
    #[arg(value_name = "FILE.raw | URL")]
    source: Option<PathBuf>,
}

pub(super) fn run(options: &Options, screen: &mut dyn Write) -> Result<()> {
    let sink = options.sink.clone().unwrap_or_else(default_sink);
    sink.check().map_err(|error| Usage(error.to_string()))?;
    let curtain = Arc::new(Curtain::default());
    let mut end = End::listen()?;
    let stage = Stage::new(sink, Arc::clone(&curtain));
    let url = options.source.as_ref().and_then(|source| source.to_str());
    let url = url.filter(|source| source.starts_with("http://") || source.starts_with("https://"));
    let receiver = match &options.source {
        Some(_) => None,
        None => Some(Receiver::open(options.listen)?),
    };
    let stop = receiver.as_ref().map(Receiver::stop);
    thread::spawn(move || {
        // Without signals it plays until its source ends.
        if end.wait().is_err() {
            return;
        }
        curtain.fall();
        if let Some(stop) = stop {
            stop.stop();
        }
        if end.wait_again().is_ok() {
            curtain.drop_at_once(LEAVE_LIMIT);
            std::process::exit(0);
        }
    });
    let played = match (receiver, &options.source, url) {
        (Some(receiver), ..) => {
            let second = if options.replace { Second::Replace } else { Second::Refuse };
            receive(receiver, second, stage, screen)?
        }
        (None, _, Some(url)) => stream::play(url, stage)?,
        (None, Some(file), None) => play_file(file, stage)?,
        (None, None, None) => return Ok(()),
    };
    Ok(writeln!(screen, "{played}")?)
}

/// The sound of this system.
fn default_sink() -> SinkSpec {
    if cfg!(windows) {
        SinkSpec::WaveOut
    } else if cfg!(all(target_os = "linux", feature = "alsa")) {
        SinkSpec::Alsa { device: "default".to_owned() }
    } else {
        SinkSpec::Exec { command: "aplay -q -t raw -f cd -".to_owned() }
    }
}

/// Plays one client after the other; what it came to, in words.
fn receive(
    receiver: Receiver,
    second: Second,
    mut stage: Stage,
    screen: &mut dyn Write,
) -> Result<String> {
    let address = receiver.local_addr();
    // Whoever reads it may have gone: it plays all the same.
    let _ = writeln!(screen, "receiving raw PCM on {address}; Ctrl-C ends it")
        .and_then(|()| screen.flush());
    receiver
        .run(second, &mut |received| match received {
            Received::Client(address) => {
                tracing::info!(%address, "a client came");
                true
            }
            Received::Sound(frames) => stage.play(frames),
            Received::Idle => {
                stage.rest();
                true
            }
            Received::Left { odd } => {
                if odd > 0 {
                    tracing::warn!(
                        odd,
                        "the client left in the middle of a frame; its beginning was not played"
                    );
                }
                stage.rest();
                true
            }
        })
        .context("the receiver cannot be started")?;
    stage.end()
}

/// Plays a file of raw PCM.
fn play_file(path: &Path, mut stage: Stage) -> Result<String> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("{shown} cannot be opened"))?;
    let (mut unpacker, mut frames, mut piece) = (Unpacker::default(), Vec::new(), vec![0; PIECE]);
    let mut is_first = true;
    loop {
        let len = file.read(&mut piece).with_context(|| format!("{shown} cannot be read"))?;
        let bytes = piece.get(..len).unwrap_or_default();
        if is_first
            && [&b"RIFF"[..], b"RF64", b"ID3", b"OggS", b"fLaC"]
                .iter()
                .any(|kind| bytes.starts_with(kind))
        {
            bail!(
                "{shown} is no raw PCM but a file of another kind; make it raw first, as with `ffmpeg -i FILE -f s16le -ar 44100 -ac 2 FILE.raw`"
            );
        }
        is_first = false;
        frames.clear();
        unpacker.put(bytes, &mut frames);
        if len == 0 || !stage.play(&frames) {
            break;
        }
    }
    if unpacker.waiting() > 0 {
        tracing::warn!(odd = unpacker.waiting(), "the file ends in the middle of a frame");
    }
    stage.end()
}
