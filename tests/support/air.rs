//! A station of two hands: a relay that a test fills frame by frame, and the Icecast output on it.

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    icecast::{self, Target},
    mpeg::Header,
    relay::{FrameKind, Group, Link, Links, Relay},
};
use tokio::sync::watch;

/// Longest wait for anything that a test expects.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// 128 kbit/s, 44.1 kHz, joint stereo, no padding: 417 bytes.
const HEADER: [u8; 4] = [0xFF, 0xFB, 0x90, 0x64];
/// The name of the thread that the output runs on.
pub const OUTPUT_THREAD: &str = "icecast-output";
/// Bytes of every frame that [`frame`] makes.
pub const FRAME_LEN: usize = 417;

/// Frame number `n`: a valid header, and a body from which `n` can be read anywhere.
pub fn frame(n: u64) -> Vec<u8> {
    let mut frame = HEADER.to_vec();
    while frame.len() < FRAME_LEN {
        frame.extend_from_slice(&n.to_be_bytes());
    }
    frame.truncate(FRAME_LEN);
    frame
}

/// The frames `from..to`, as they stand in the stream.
pub fn frames(from: u64, to: u64) -> Vec<u8> {
    (from..to).flat_map(frame).collect()
}

/// The relay, its links and the output, which runs on a thread of its own.
pub struct OnAir {
    pub relay: Relay,
    pub links: Links,
    bell: Bell,
    pub titles: watch::Sender<Arc<str>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    next: u64,
}

impl OnAir {
    /// Starts the output for `target`.
    pub fn start(target: Target) -> Self {
        let bell = Bell::new();
        let (relay, links) = (Relay::new(), Links::new(bell.clone()));
        let (titles, titles_for_output) = watch::channel(Arc::from(""));
        let (stop, stop_for_output) = watch::channel(false);
        let (of_output, link) = (relay.clone(), links.reporter("icecast"));
        let thread = std::thread::Builder::new().name(OUTPUT_THREAD.to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(icecast::run(
                target,
                of_output,
                link,
                titles_for_output,
                stop_for_output,
            ));
        });
        Self { relay, links, bell, titles, stop, thread: Some(thread.unwrap()), next: 0 }
    }

    /// Pushes `count` frames as one group; returns the number of the first.
    pub fn push(&mut self, count: u64) -> u64 {
        let first = self.next;
        let mut group = Group::new();
        let header = Header::parse(HEADER).unwrap();
        for n in first..first + count {
            group.push(header, &frame(n), FrameKind::Song);
        }
        self.relay.push(&group, Instant::now());
        self.next += count;
        first
    }

    pub fn link(&self) -> Link {
        self.links.all().remove(0)
    }

    /// Waits until the link satisfies `wanted`.
    pub fn wait_link(&self, wanted: impl Fn(&Link) -> bool) -> Link {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let link = self.link();
            if wanted(&link) {
                return link;
            }
            let changed = self.bell.wait_until(deadline);
            assert!(changed || wanted(&self.link()), "the link stays {:?}", self.link());
        }
    }

    /// Waits until the output is up for the `ups`th time.
    pub fn wait_up(&self, ups: u64) -> Link {
        self.wait_link(|link| link.up && link.ups >= ups)
    }

    /// Waits until it is down for a reason that has `word` in it; returns the reason.
    pub fn wait_reason(&self, word: &str) -> String {
        let link = self.wait_link(|link| {
            !link.up && link.reason.as_ref().is_some_and(|reason| reason.contains(word))
        });
        link.reason.unwrap_or_default()
    }

    /// Stops the output and tells how long that took.
    pub fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.end();
        began.elapsed()
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

impl Drop for OnAir {
    fn drop(&mut self) {
        self.end();
    }
}
