//! The rivals: the server, a real icecast2 and the floor, each on a core of its own with 128 kbit/s on the air.

use std::{
    env, fmt, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    ciphered::Issued,
    floor,
    mp3::{Shape, frames, song},
    process::{Cores, Process},
    served::Served,
    tools::{Icecast, SOURCE_PASSWORD, free_address},
};

/// Frames of each song, and songs: half an hour at 128 kbit/s.
const SONG_FRAMES: u32 = 7_000;
const SONGS: u32 = 10;
/// What every server is given to become quiet, behind its start.
const QUIET: Duration = Duration::from_secs(3);
/// Frames that icecast2's source sends at once: as our own source client does.
const GROUP: usize = 4;
/// Twice as many as the largest row, and some that never read.
const MOST_LISTENERS: usize = 24_000;

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    Floor,
    Ours,
    Icecast,
}

impl Which {
    /// In the order in which they take turns.
    pub(crate) const ALL: [Self; 3] = [Self::Floor, Self::Ours, Self::Icecast];
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Floor => "bare sends",
            Self::Ours => "musicdb-stream",
            Self::Icecast => "icecast2",
        })
    }
}

/// A server that runs; dropping it ends it.
pub(crate) struct Rival {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pid: u32,
    body: Body,
}

enum Body {
    Floor(Child),
    Ours { served: Served, _home: TempDir },
    Icecast { server: Box<Icecast>, source: Option<Source> },
}

impl Rival {
    /// Starts one and waits until it is quiet.
    pub(crate) fn start(which: Which, cores: &Cores) -> Self {
        let rival = match which {
            Which::Floor => cores.on_server_core(Self::floor),
            Which::Ours => cores.on_server_core(|| Self::ours("")),
            Which::Icecast => {
                let server = cores.on_server_core(icecast);
                let source = Some(Source::start(server.address));
                let (address, pid) = (server.address, server.pid());
                let body = Body::Icecast { server: Box::new(server), source };
                Self { address, path: "/stream", pid, body }
            }
        };
        thread::sleep(QUIET);
        rival
    }

    fn floor() -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .arg(floor::ARGUMENT)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Self { address, path: "/", pid: child.id(), body: Body::Floor(child) }
    }

    /// Ours with TLS, where listeners come to its TLS port.
    pub(crate) fn ours_with_tls(issued: &Issued, cores: &Cores) -> Self {
        let address = free_address();
        let (certificate, key) = (issued.certificate.display(), issued.key.display());
        let lines = format!(
            "tls_listen = \"{address}\"\ntls_certificate = \"{certificate}\"\ntls_key = \"{key}\"\n"
        );
        let mut rival = cores.on_server_core(|| Self::ours(&lines));
        thread::sleep(QUIET);
        rival.address = address;
        rival
    }

    /// Ours, with more lines in the table `[server]` of its configuration.
    fn ours(lines: &str) -> Self {
        let home = TempDir::new().unwrap();
        let music = home.path().join("music");
        fs::create_dir(&music).unwrap();
        for n in 0..SONGS {
            let song = song(Shape::default(), SONG_FRAMES + n);
            fs::write(music.join(format!("{n}.mp3")), song).unwrap();
        }
        let config = home.path().join("crowd.toml");
        let text = format!(
            "[server]\nmax_listeners = {MOST_LISTENERS}\n{lines}[randy]\nmin_song_length = 0\n"
        );
        fs::write(&config, text).unwrap();
        let arguments = ["--play", "--music", music.to_str().unwrap()];
        let global = ["--config", config.to_str().unwrap()];
        let served = Served::start(&home.path().join("data"), &arguments, &global);
        served.wait_for(Duration::from_secs(20), |state| state["is_playing"] == true);
        let (address, pid) = (served.address, served.pid());
        Self { address, path: "/stream", pid, body: Body::Ours { served, _home: home } }
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.pid)
    }

    /// How many listeners ours counts.
    pub(crate) fn listeners(&self) -> usize {
        let Body::Ours { served, .. } = &self.body else { return 0 };
        usize::try_from(served.state()["listeners"].as_u64().unwrap()).unwrap()
    }

    /// Waits until ours has noticed that everyone has left; tells how many are there all the same.
    pub(crate) fn wait_until_empty(&self) -> usize {
        let begun = Instant::now();
        loop {
            let left = self.listeners();
            if left == 0 || begun.elapsed() > Duration::from_secs(60) {
                return left;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        match &mut self.body {
            Body::Floor(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Body::Icecast { server, source } => {
                server.kill();
                if let Some(source) = source.take() {
                    source.stop();
                }
            }
            Body::Ours { .. } => {}
        }
    }
}

/// A stock icecast2 with its own values, but for the number of clients.
fn icecast() -> Icecast {
    Icecast::configured(|address: SocketAddr, folder: &Path| {
        let (folder, port, ip) = (folder.display(), address.port(), address.ip());
        format!(
            "<icecast>
  <limits><clients>{MOST_LISTENERS}</clients><sources>4</sources><queue-size>524288</queue-size>
    <client-timeout>30</client-timeout><header-timeout>15</header-timeout>
    <source-timeout>10</source-timeout>
    <burst-on-connect>1</burst-on-connect><burst-size>65535</burst-size></limits>
  <authentication><source-password>{SOURCE_PASSWORD}</source-password>
    <relay-password>relay-secret</relay-password>
    <admin-user>admin</admin-user><admin-password>admin-secret</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{port}</port><bind-address>{ip}</bind-address></listen-socket>
  <fileserve>0</fileserve>
  <paths><basedir>{folder}</basedir><logdir>{folder}</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>
    <loglevel>2</loglevel></logging>
  <security><chroot>0</chroot></security>
</icecast>
"
        )
    })
}

/// What feeds icecast2: frames at their pace, on the driver's core.
struct Source {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Source {
    fn start(server: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(server).unwrap();
        // `source:source-secret`
        let login = "Authorization: Basic c291cmNlOnNvdXJjZS1zZWNyZXQ=";
        write!(stream, "SOURCE /stream HTTP/1.0\r\n{login}\r\nContent-Type: audio/mpeg\r\n\r\n")
            .unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert!(head.ends_with(b"200"), "{}", String::from_utf8_lossy(&head));
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || send(stream, &stopped));
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap();
    }
}

fn send(mut stream: TcpStream, stop: &AtomicBool) {
    let frames = frames(Shape::default(), SONG_FRAMES);
    let (begun, mut samples) = (Instant::now(), 0_u64);
    for group in frames.chunks(GROUP).cycle() {
        // It ends with the server, too.
        if stop.load(Relaxed) || stream.write_all(&group.concat()).is_err() {
            return;
        }
        samples += 1152 * group.len() as u64;
        let due = begun + Duration::from_secs_f64(samples as f64 / 44_100.0);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
