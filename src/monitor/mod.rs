//! The monitor: what goes out, decoded and played on this machine.
//!
//! ```text
//!   relay ── reader ──► monitor      decoder, 44.1 kHz, level, mute
//!                          ├─ ring ─► monitor-NAME ─► a sink
//!                          └─ ring ─► monitor-NAME ─► a sink
//! ```
//!
//! It hears the relay as every output does, so it decodes the very frames that listeners get. No sink
//! can delay it: what finds no room in a sink's ring pushes the oldest out. A
//! [`player`](player::Player) of its own plays PCM that comes from elsewhere by the same sinks.

#[cfg(all(target_os = "linux", feature = "alsa"))]
mod alsa;
mod decode;
mod drift;
mod ear;
mod exec;
mod fault;
mod hearing;
mod meter;
mod open;
mod outlet;
pub mod pcm;
pub mod player;
pub mod receiver;
mod resample;
mod ring;
mod sink;
mod supply;
mod tcp;
mod wav;
#[cfg(any(windows, test))]
pub mod waveout;

pub use fault::Fault;
pub use hearing::Hearing;
pub use meter::Meter;
pub use open::open;
pub use ring::Ending;
pub use sink::{Cut, Pace, Sink};

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};

use crate::{
    bell::Bell,
    config::SinkSpec,
    relay::{Relay, Tap},
    status::MonitorState,
    subscribers::Subscribers,
};
use ear::{Ear, Heard, Wake};
use outlet::{Clock, Outlet};

/// For the decoder to end with the frame that it is at.
const EAR_END: Duration = Duration::from_millis(100);
/// For all sinks that were cut together to end.
const CUT_LIMIT: Duration = Duration::from_millis(100);
/// What waits for a device in the mean, beside what it queues: twice what comes at once, and so long
/// at least.
const LEAST_AIM: Duration = Duration::from_millis(200);

/// A monitor that plays until it is stopped.
#[derive(Debug)]
pub struct Monitor {
    handle: MonitorHandle,
    bell: Bell,
    /// For as long as it is there the relay tells of what is pushed.
    _wake: Arc<dyn Tap>,
    ended: Receiver<()>,
}

/// The way to see and to mute a monitor. Clones are the same one's; they stay valid after its end. The
/// default is of none: it has no sink.
#[derive(Clone, Default)]
pub struct MonitorHandle {
    heard: Arc<Heard>,
    /// Until it is stopped.
    outlets: Arc<Mutex<Vec<Outlet>>>,
}

impl MonitorHandle {
    /// How it is.
    #[must_use]
    pub fn state(&self) -> MonitorState {
        MonitorState {
            is_muted: self.heard.is_muted.load(Relaxed),
            level: self.heard.level(),
            failed_frames: self.heard.failed.load(Relaxed),
            sinks: self.outlets().iter().map(Outlet::state).collect(),
        }
    }

    /// From the next frames on its sinks are given silence, or sound again.
    pub fn set_muted(&self, is_muted: bool) {
        self.heard.is_muted.store(is_muted, Relaxed);
    }

    fn outlets(&self) -> MutexGuard<'_, Vec<Outlet>> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MonitorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorHandle").field("state", &self.state()).finish()
    }
}

impl Monitor {
    /// Plays what comes from `relay` in groups of about `tick` at all of `sinks`; levels are told to
    /// `subscribers`. A sink that cannot be opened is tried again for as long as the monitor plays.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        sinks: &[SinkSpec],
        tick: Duration,
        relay: &Relay,
        subscribers: Subscribers,
    ) -> io::Result<Self> {
        let aim = (2 * tick).max(LEAST_AIM).as_millis() * u128::from(pcm::RATE) / 1000;
        let clock = Clock::OfStation(usize::try_from(aim).unwrap_or(usize::MAX));
        let mut outlets: Vec<Outlet> = Vec::new();
        for spec in sinks {
            let wanted = spec.clone();
            let open = Box::new(move || open(&wanted));
            match Outlet::start(&name(spec, &outlets), open, clock) {
                Ok(outlet) => outlets.push(outlet),
                Err(error) => {
                    outlets.iter().for_each(|outlet| outlet.end(Ending::AtOnce));
                    return Err(error);
                }
            }
        }
        let bell = Bell::new();
        let wake: Arc<dyn Tap> = Arc::new(Wake(bell.clone()));
        relay.attach(Arc::downgrade(&wake));
        let heard = Arc::new(Heard::default());
        let rings = outlets.iter().map(Outlet::ring).collect();
        let ear = Ear::new(relay.live(), bell.clone(), Arc::clone(&heard), rings, subscribers);
        let (end, ended) = bounded(1);
        let hearing = thread::Builder::new().name("monitor".into()).spawn(move || {
            ear.run();
            let _ = end.send(());
        });
        if let Err(error) = hearing {
            outlets.iter().for_each(|outlet| outlet.end(Ending::AtOnce));
            return Err(error);
        }
        let handle = MonitorHandle { heard, outlets: Arc::new(Mutex::new(outlets)) };
        Ok(Self { handle, bell, _wake: wake, ended })
    }

    /// The way to see and to mute it.
    #[must_use]
    pub fn handle(&self) -> MonitorHandle {
        self.handle.clone()
    }

    /// Stops it: files and peers get all that was decoded, devices end at once. Returns after
    /// `patience` at the latest; a sink that takes longer is left behind.
    pub fn stop(self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.tell_to_stop();
        // Where it takes longer, the rest of its frame is not heard.
        let _ = self.ended.recv_timeout(EAR_END.min(patience));
        let outlets = std::mem::take(&mut *self.handle.outlets());
        for outlet in &outlets {
            let left = deadline.saturating_duration_since(Instant::now());
            if !outlet.has_ended_within(left) {
                outlet.cut();
            }
        }
        let deadline = Instant::now() + CUT_LIMIT;
        for outlet in outlets {
            let name = outlet.state().name;
            if !outlet.join(deadline) {
                tracing::warn!(
                    sink = name,
                    "a sink of the monitor does not end and was left behind"
                );
            }
        }
    }

    fn tell_to_stop(&self) {
        self.handle.heard.has_to_stop.store(true, Relaxed);
        self.bell.ring();
    }
}

impl Drop for Monitor {
    /// Its threads end by themselves, and nobody waits for them.
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

/// What status and metrics call a sink; its number is behind the name of one that another has, too.
fn name(spec: &SinkSpec, others: &[Outlet]) -> String {
    let name = spec.name();
    let taken = |name: &str| others.iter().any(|other| other.state().name == name);
    let numbered = (2..).map(|number| format!("{name} #{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(name)
}
