//! A stream: MP3 from a URL, as any listener gets it, to the stage.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Url, redirect::Policy};

use super::stage::Stage;
use crate::{
    monitor::{Hearing, pcm::Frame},
    mpeg::Sieve,
    net::tls,
};

/// A server that has not taken the connection by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A stream that brings nothing for so long has ended.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// Redirects that are followed: relays send listeners on to each other.
const MOST_REDIRECTS: usize = 5;

/// Plays the stream at `url` until it ends or is no longer wanted; what it came to, in words.
pub(super) fn play(url: &str, mut stage: Stage) -> Result<String> {
    let parsed = Url::parse(url).with_context(|| format!("{url} is no URL"))?;
    let trust = if parsed.scheme() == "https" { tls::client(&[])? } else { tls::plain_only()? };
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(trust)
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE_TIMEOUT)
        .redirect(Policy::limited(MOST_REDIRECTS))
        .build()
        .context("the HTTP client cannot be set up")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(async { http.get(parsed).send().await });
    let mut response = sent.with_context(|| format!("{url} cannot be reached"))?;
    if !response.status().is_success() {
        bail!("{url} answers {}; check the address", response.status());
    }
    let mut sound = Unravelled::default();
    loop {
        let piece = match runtime.block_on(response.chunk()) {
            Ok(Some(piece)) => piece,
            Ok(None) => {
                stage.play(sound.end());
                break;
            }
            Err(error) => {
                tracing::warn!(%error, "the stream broke off");
                break;
            }
        };
        let frames = sound.take(&piece).with_context(|| {
            format!("{url} is no MP3 stream; give the address of the mount itself")
        })?;
        if !stage.play(frames) {
            break;
        }
    }
    stage.end()
}

/// PCM of MP3 that comes in pieces.
#[derive(Default)]
struct Unravelled {
    sieve: Sieve,
    hearing: Hearing,
    frames: Vec<Frame>,
}

impl Unravelled {
    fn take(&mut self, piece: &[u8]) -> Result<&[Frame]> {
        let Self { sieve, hearing, frames } = self;
        frames.clear();
        sieve.take(piece, |header, frame| hearing.hear(header, frame, frames))?;
        Ok(frames)
    }

    /// The last frame, which waited for one behind it.
    fn end(&mut self) -> &[Frame] {
        let Self { sieve, hearing, frames } = self;
        frames.clear();
        sieve.end(|header, frame| hearing.hear(header, frame, frames));
        frames
    }
}
