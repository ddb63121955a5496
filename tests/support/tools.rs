//! Real programs that tests talk to, each started on a port of its own and ended by its own handle.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use musicdb_stream::icecast::Target;
use tempfile::TempDir;

use super::air::PATIENCE;

/// The unprivileged user that Icecast runs as where a test runs as root, which it refuses to.
const NOBODY: u32 = 65534;
pub const SOURCE_PASSWORD: &str = "source-secret";

/// A real icecast2 with a configuration of its own.
pub struct Icecast {
    pub address: SocketAddr,
    directory: TempDir,
    child: Option<Child>,
}

impl Icecast {
    /// Starts it on a free port of the loopback and waits until it accepts.
    pub fn start() -> Self {
        Self::with("")
    }

    /// The same with more elements in its configuration.
    pub fn with(elements: &str) -> Self {
        Self::configured(|address, directory| {
            config(address, directory).replace("<fileserve>", &format!("{elements}\n  <fileserve>"))
        })
    }

    /// The same with a configuration that is made for this address and this directory.
    pub fn configured(config: impl FnOnce(SocketAddr, &Path) -> String) -> Self {
        let address = free_address();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("icecast.xml"), config(address, directory.path())).unwrap();
        let mut icecast = Self { address, directory, child: None };
        icecast.start_again();
        icecast
    }

    /// Starts it again on the same port, and waits until it has answered a first request; returns when
    /// it first accepted a connection. Where it crashes by itself before that, it is started once more:
    /// 2.4.4 does at times, with a null pointer in the first thread that it starts, and may have
    /// accepted connections by then.
    pub fn start_again(&mut self) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        self.spawn();
        let mut accepted = None;
        while !self.answers(&mut accepted) {
            assert!(Instant::now() < deadline, "icecast2 does not answer: {}", self.log());
            if self.has_crashed() {
                println!(
                    "icecast2 crashed at its start, by its own fault, and was started once more"
                );
                accepted = None;
                self.spawn();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        accepted.unwrap_or_else(Instant::now)
    }

    /// It answers a request; notes when it first accepted a connection.
    fn answers(&self, accepted: &mut Option<Instant>) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        accepted.get_or_insert_with(Instant::now);
        let mut answer = Vec::new();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let asked = stream.write_all(b"GET /status-json.xsl HTTP/1.0\r\n\r\n");
        asked.is_ok()
            && stream.read_to_end(&mut answer).is_ok()
            && answer.starts_with(b"HTTP/1.0 200")
    }

    fn spawn(&mut self) {
        let config = self.directory.path().join("icecast.xml");
        let mut command = as_nobody("icecast2", self.directory.path());
        command.arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
    }

    /// It ended though nobody killed it.
    pub fn has_crashed(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|end| end.is_some()))
    }

    #[allow(dead_code, reason = "what it costs is for the benches")]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// A target that means it.
    pub fn target(&self) -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.address.port(),
            password: SOURCE_PASSWORD.to_owned(),
            name: "Käse & Co".to_owned(),
            ..Target::default()
        }
    }

    /// Begins to listen to a mount: the response's head, and the connection behind it.
    pub fn listen(&self, mount: &str) -> (String, TcpStream) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("GET {mount} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (String::from_utf8_lossy(&head).into_owned(), stream)
    }

    /// What it tells of itself in JSON, once that satisfies `wanted`.
    pub fn wait_status(&self, mut wanted: impl FnMut(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut body = String::new();
            self.listen("/status-json.xsl").1.read_to_string(&mut body).unwrap();
            if wanted(&body) {
                return body;
            }
            assert!(Instant::now() < deadline, "the status stays {body}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its error log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Icecast {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free address of the loopback below the ports that connecting sockets are given: one that
/// knocks at a port before anybody listens there could otherwise be given that very port, talk to
/// itself and keep the server from it.
pub fn free_address() -> SocketAddr {
    // Test programs that run side by side have neighbouring ids: their ports lie far apart.
    let from = u16::try_from(std::process::id() % 12_000 * 7_919 % 12_000).unwrap() + 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let port = from + NEXT.fetch_add(1, Ordering::Relaxed) % 8_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

/// A command that runs as nobody, to whom `directory` is given, where the test runs as root; and as
/// whoever runs the test elsewhere.
pub fn as_nobody(program: &str, directory: &Path) -> Command {
    if !give_to_nobody(directory) {
        return Command::new(program);
    }
    let id = NOBODY.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &id, "--regid", &id, "--clear-groups", program]);
    command
}

/// Gives `directory` to nobody where the test runs as root; tells whether it did, now or before.
#[cfg(unix)]
fn give_to_nobody(directory: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt, chown};
    let owner = fs::metadata(directory).unwrap().uid();
    if owner == 0 {
        chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    owner == 0 || owner == NOBODY
}

#[cfg(not(unix))]
fn give_to_nobody(_directory: &Path) -> bool {
    false
}

fn config(address: SocketAddr, directory: &Path) -> String {
    let (directory, port, ip) = (directory.display(), address.port(), address.ip());
    format!(
        "<icecast>
  <limits><clients>50</clients><sources>4</sources><queue-size>524288</queue-size>
    <header-timeout>15</header-timeout><source-timeout>10</source-timeout>
    <burst-on-connect>1</burst-on-connect><burst-size>65535</burst-size></limits>
  <authentication><source-password>{SOURCE_PASSWORD}</source-password>
    <relay-password>relay-secret</relay-password>
    <admin-user>admin</admin-user><admin-password>admin-secret</admin-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{port}</port><bind-address>{ip}</bind-address></listen-socket>
  <mount type=\"normal\"><mount-name>/stream</mount-name><charset>UTF-8</charset></mount>
  <fileserve>0</fileserve>
  <paths><basedir>{directory}</basedir><logdir>{directory}</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
    <alias source=\"/\" destination=\"/status.xsl\"/></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog>
    <loglevel>4</loglevel></logging>
  <security><chroot>0</chroot></security>
</icecast>
"
    )
}
