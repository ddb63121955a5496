//! The stream: builds the whole program from a configuration, starts it and stops it.

mod error;
mod runtime;
mod scans;
mod target;

pub use error::{StartError, StopError};

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    bell::Bell,
    config::{self, Config, DataDir, OnLoss, Secrets, ServerLock, Start, local_url},
    db::Database,
    deck::Deck,
    keeper::{Keeper, KeeperOptions},
    monitor::{Monitor, MonitorHandle},
    net::guard::Guard,
    relay::{Links, Relay},
    server::{Server, ServerOptions, TlsOptions},
    station::{AudioStreamManager, PlayerOptions, Station, TitleForm},
    status::MonitorState,
    subscribers::Subscribers,
    web::{self, Access, Backstage},
};
use runtime::{Runtime, Sockets};
use scans::Scans;

/// How long a scan may take to end with its file; a disk that hangs is left behind.
const SCAN_END: Duration = Duration::from_millis(50);
/// Connections that wait for the web.
const HANDED_LIMIT: usize = 256;
/// How long files and peers of the monitor may take for the last of the sound, beside the sockets.
const MONITOR_END: Duration = Duration::from_millis(150);
/// How long the sockets may take to end; then they are dropped.
const SOCKETS_END: Duration = Duration::from_millis(650);

/// A running station: streaming thread, queue, library and embedded server.
///
/// Dropping it stops it. It owns a runtime on a thread of its own: it can be started, stopped and
/// dropped inside any async runtime and outside one.
///
/// ```
/// use std::{error::Error, time::Duration};
///
/// use musicdb_stream::{AudioStream, QueuePosition, config::Config};
///
/// fn main() -> Result<(), Box<dyn Error>> {
///     let home = tempfile::tempdir()?; // a program of your own keeps its data
///     let mut config = Config::default();
///     config.directories.data = home.path().to_owned();
///     config.directories.music = "config/demo".into();
///     config.server.listen = "127.0.0.1:0".parse()?; // any free port
///
///     let stream = AudioStream::start(config)?;
///     println!("listen at {}/stream", stream.url());
///     stream.wait_for_scan(Duration::from_secs(10));
///
///     let manager = stream.manager(); // clone it, send it to other threads
///     manager.register_callback(|envelope| println!("{:?}", envelope.event));
///     let (_, found) = manager.library().search("waltz", 1, 0)?;
///     for song in found {
///         manager.queue().add_song(song.id, QueuePosition::Next, false)?;
///     }
///     if let Some(effect) = manager.play_next_song()?.wait(Duration::from_secs(1))? {
///         println!("the next song was heard from frame {} on", effect.frame);
///     }
///     Ok(stream.stop()?)
/// }
/// ```
#[derive(Debug)]
pub struct AudioStream {
    parts: Option<Parts>,
    manager: AudioStreamManager,
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    url: String,
    monitor: MonitorHandle,
}

/// What must be ended, in this order.
#[derive(Debug)]
struct Parts {
    scans: Arc<Scans>,
    station: Station,
    monitor: Option<Monitor>,
    runtime: Runtime,
    keeper: Keeper,
    subscribers: Subscribers,
    lock: ServerLock,
}

impl AudioStream {
    /// Starts everything: opens the port, then the database, then streams; the library is scanned
    /// in the background.
    ///
    /// # Errors
    /// [`StartError`] names the thing, the reason and the remedy; nothing is left running then.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let started = Instant::now();
        config.check()?;
        let data = DataDir::open(&config.directories.data)?;
        let mut lock = data.lock()?;
        let secrets = Secrets::load_or_make(&data, &config.server)?;
        let bell = Bell::new();
        let (links, relay) = (Links::new(bell.clone()), Relay::new());
        // The reporters first: a station that knows no output would not know what it waits for.
        let mount_link = links.reporter("mount");
        let (hand_over, handed) = mpsc::channel(HANDED_LIMIT);
        let server =
            Server::bind(server_options(&config, &secrets), relay.clone(), mount_link, hand_over)?;
        let (address, tls_address) = (server.local_addr(), server.tls_addr());
        let icecast = target::of(&config, [address].into_iter().chain(tls_address));
        let database = Database::open(&data.database())?;
        let subscribers = Subscribers::new();
        let options = KeeperOptions {
            disable_stats: config.debug.disable_stats,
            disable_tracker: config.debug.disable_tracker,
            ..KeeperOptions::default()
        };
        let keeper = Keeper::start(database.clone(), options, subscribers.clone())?;
        let library = keeper.library();
        let icecast = icecast.map(|target| (target, links.reporter("icecast")));
        let wanted = match config.stream.start {
            Start::Resume => None,
            Start::Playing => Some(true),
            Start::Paused => Some(false),
        };
        // Before the first frame, which it is to hear.
        let monitor = start_monitor(&config, &relay, &subscribers)?;
        let heard = monitor.as_ref().map(Monitor::handle).unwrap_or_default();
        let station = Station::start(
            player_options(&config),
            wanted,
            (Box::new(Deck::new(bell.clone())), bell),
            keeper.handle(),
            (links, relay.clone(), subscribers.clone()),
        )?;
        let manager = AudioStreamManager::new(
            &station,
            subscribers.clone(),
            keeper.queue(),
            library.clone(),
            relay.clone(),
            config.debug.disable_icecast,
        );
        let scans = Arc::new(Scans::new(library, database, keeper.sink(), &config));
        let (listeners, counted, figures) =
            (server.listeners(), server.listeners(), server.figures());
        let backstage = Backstage {
            manager: manager.clone(),
            listeners: Arc::new(move || listeners.list(Instant::now())),
            listener_count: Arc::new(move || counted.count()),
            figures: Arc::new(move || figures.now()),
            monitor: Arc::new(heard.clone()),
            scans: Arc::clone(&scans) as Arc<dyn web::ScanDesk>,
            access: Arc::new(Access {
                token: secrets.control.reveal().to_owned(),
                public: config.server.public_api,
                guard: Guard::default(),
            }),
            mount: config.server.mountname.clone(),
            run: format!("{:08x}", rand::random::<u32>()),
            started,
        };
        let site = web::site(backstage);
        let runtime = Runtime::start(Sockets { server, handed, relay, icecast, site });
        let runtime = runtime.map_err(StartError::Runtime)?;
        let url = local_url(address);
        let announced = lock.announce(&url);
        let first_scan = Arc::clone(&scans);
        let parts = Parts { scans, station, monitor, runtime, keeper, subscribers, lock };
        let stream =
            Self { parts: Some(parts), manager, address, tls_address, url, monitor: heard };
        // Where nobody can be told, it is dropped here, which ends all of it in its order.
        announced?;
        first_scan.start_configured();
        Ok(stream)
    }

    /// The way to command it and to follow it.
    #[must_use]
    pub fn manager(&self) -> AudioStreamManager {
        self.manager.clone()
    }

    /// The local monitor: how loud it is, where it plays, and the way to mute it. One without sinks
    /// where the configuration names none.
    #[must_use]
    pub fn monitor(&self) -> MonitorHandle {
        self.monitor.clone()
    }

    /// The address of the embedded server; the port is the real one where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the embedded server's TLS port, where there is one.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// The URL of the embedded server as this machine reaches it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the scan that is running now has ended; for at most `patience`.
    pub fn wait_for_scan(&self, patience: Duration) {
        if let Some(parts) = &self.parts {
            parts.scans.wait(patience);
        }
    }

    /// Stops everything in under a second: the last frame is whole, listeners get the end of the
    /// stream, the port closes, receivers end.
    ///
    /// # Errors
    /// [`StopError`]: everything was ended, but not in peace.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StopError> {
        let Some(parts) = self.parts.take() else { return Ok(()) };
        parts.scans.cancel();
        parts.station.stop();
        parts.scans.wait(SCAN_END);
        parts.keeper.stop();
        // Followers of the events learn of the end before their connections close.
        parts.subscribers.close();
        let peaceful = parts.runtime.stop(SOCKETS_END);
        // It has heard the end of the relay, and its sinks are at their last frames since.
        if let Some(monitor) = parts.monitor {
            monitor.stop(MONITOR_END);
        }
        drop(parts.lock);
        if peaceful { Ok(()) } else { Err(StopError::Sockets) }
    }
}

impl Drop for AudioStream {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!("{error}");
        }
    }
}

/// Plays what goes out where the configuration says so; nothing where it names no place.
fn start_monitor(
    config: &Config,
    relay: &Relay,
    subscribers: &Subscribers,
) -> Result<Option<Monitor>, StartError> {
    let sinks = &config.monitor.sinks;
    let tick = Duration::from_millis(config.stream.tick_ms);
    let monitor =
        (!sinks.is_empty()).then(|| Monitor::start(sinks, tick, relay, subscribers.clone()));
    monitor.transpose().map_err(StartError::Monitor)
}

impl web::MonitorDesk for MonitorHandle {
    fn state(&self) -> MonitorState {
        Self::state(self)
    }

    fn set_muted(&self, is_muted: bool) {
        Self::set_muted(self, is_muted);
    }
}

fn player_options(config: &Config) -> PlayerOptions {
    // The embedded mount never goes away while we run; only a real Icecast can be lost.
    let to_icecast = config.icecast.enabled;
    PlayerOptions {
        tick: Duration::from_millis(config.stream.tick_ms),
        main_output: if to_icecast { "icecast" } else { "mount" },
        on_loss: if to_icecast { config.icecast.on_loss } else { OnLoss::Hold },
        after_reconnect: config.icecast.after_reconnect,
        mixed: config.stream.mixed,
        title: TitleForm::new(&config.stream.title),
        name: config.stream.name.clone(),
        disabled: config.debug.disable_icecast,
    }
}

fn server_options(config: &Config, secrets: &Secrets) -> ServerOptions {
    let server = &config.server;
    let max_beside = ServerOptions::default().max_beside;
    let hostname = Some(server.hostname.clone()).filter(|name| !name.is_empty());
    ServerOptions {
        listen: server.listen,
        tls: tls_options(server),
        mount: server.mountname.clone(),
        hostname,
        burst: Duration::from_secs_f64(server.burst_seconds.max(0.0)),
        flush: Duration::from_millis(server.flush_ms),
        max_listeners: server.max_listeners,
        max_per_address: server.max_listeners_per_address,
        max_beside: server.max_beside.map_or(max_beside, |most| most.min(max_beside)),
        stream: target::stream_info(&config.stream),
        disabled: config.debug.disable_icecast,
        source_password: secrets.source.clone(),
        relay_password: server.relay_password.clone(),
        admin_password: secrets.admin.clone(),
        access_log: server.access_log.clone(),
        live: server.live,
        trusted_proxies: server.trusted_proxies.clone(),
        allow: server.allow.clone(),
        deny: server.deny.clone(),
        relays: server.relays.clone(),
        mounts: config.mount.clone(),
    }
}

fn tls_options(server: &config::Server) -> Option<TlsOptions> {
    Some(TlsOptions {
        listen: server.tls_listen?,
        certificate: server.tls_certificate.clone()?,
        key: server.tls_key.clone()?,
    })
}
