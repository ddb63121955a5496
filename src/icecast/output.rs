//! The output: keeps one mount of an Icecast supplied, for as long as the program runs.

use std::{sync::Arc, time::Instant};

use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    SourceError, Target,
    feed::{End, feed, stopped},
    request::AudioInfo,
    source::{Memory, Source, connect},
    title::{self, Place},
};
use crate::{
    net::backoff::Backoff,
    relay::{LinkReporter, Relay},
};

/// Keeps the target's mount supplied from the live edge of `relay` until `stop` turns true (or its
/// sender is dropped) or the relay is closed; then ends on a frame edge, within half a second.
///
/// Every change is reported to `link`. The newest of `titles` is sent to the server beside the
/// stream, again after every reconnect; an empty one is not sent. Runs on any tokio runtime with
/// time and I/O; one thread is enough.
pub async fn run(
    target: Target,
    relay: Relay,
    link: LinkReporter,
    titles: watch::Receiver<Arc<str>>,
    mut stop: watch::Receiver<bool>,
) {
    let target = Arc::new(target);
    let (place, places) = watch::channel(None);
    // Dropped with this function, which ends the task in it.
    let mut beside = JoinSet::new();
    beside.spawn(title::run(Arc::clone(&target), titles, places));
    let mut output = Output {
        backoff: Backoff::new(target.limits.retry, rand::random()),
        memory: Memory::default(),
        connections: 0,
        last_error: None,
        target,
        relay,
        link,
        place,
    };
    loop {
        let connected = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            connected = output.connect() => connected,
        };
        let error = match connected {
            Ok(source) => match output.serve(source, &mut stop).await {
                End::Stopped => return,
                End::Lost(error) => error,
            },
            Err(error) => {
                output.still_down(&error);
                error
            }
        };
        let wait = output.backoff.wait(error.cause(), Instant::now());
        output.last_error = Some(error);
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            () = sleep(wait) => {}
        }
    }
}

/// The output's state between connections.
struct Output {
    target: Arc<Target>,
    relay: Relay,
    link: LinkReporter,
    /// Where titles go while a connection stands.
    place: watch::Sender<Option<Place>>,
    backoff: Backoff,
    memory: Memory,
    connections: u64,
    /// What was last reported, so that an outage is told once and not twice a second.
    last_error: Option<SourceError>,
}

impl Output {
    async fn connect(&mut self) -> Result<Source, SourceError> {
        let audio = self.relay.newest_header().map(|header| AudioInfo {
            bitrate: header.bitrate(),
            sample_rate: header.sample_rate(),
            channels: header.channels(),
        });
        connect(&self.target, &mut self.memory, audio).await
    }

    /// Feeds an accepted connection from the live edge on, and reports its rise and fall.
    async fn serve(&mut self, source: Source, stop: &mut watch::Receiver<bool>) -> End {
        let (at, mount) = (self.target.authority(), self.target.path());
        // The place first: what is pushed from here on reaches the server.
        let reader = self.relay.live();
        self.backoff.accepted(Instant::now());
        self.connections += 1;
        self.last_error = None;
        tracing::info!(%at, %mount, frame = reader.frame(), "Icecast takes the stream");
        self.link.up(reader.frame());
        self.place.send_replace(source.socket.peer().ok().map(|peer| Place {
            connection: self.connections,
            peer,
            trust: source.socket.is_tls().then(|| self.memory.trust()).flatten(),
        }));
        let (end, next_frame) = feed(&self.target, source, reader, &self.relay, stop).await;
        self.place.send_replace(None);
        match &end {
            End::Stopped => self.link.down("the stream was stopped".to_owned(), next_frame),
            End::Lost(error) => {
                tracing::warn!(%at, %mount, next_frame, "Icecast is lost: {error}");
                self.link.down(error.to_string(), next_frame);
            }
        }
        end
    }

    fn still_down(&self, error: &SourceError) {
        if self.last_error.as_ref() == Some(error) {
            tracing::debug!("Icecast is still away: {error}");
        } else {
            tracing::warn!("Icecast does not take the stream: {error}");
            self.link.still_down(error.to_string());
        }
    }
}
