//! A running `musicdb-stream serve`: the real program on a free port, ended by its own pid.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The program; dropping it kills it.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
    pub token: String,
    pub data: PathBuf,
}

/// A way to a server that may be gone by the next request.
#[derive(Debug, Clone)]
pub struct Remote {
    address: SocketAddr,
    token: String,
}

impl Remote {
    /// A request with the control token and more lines of its head: status and JSON.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        lines: &str,
        body: &str,
    ) -> io::Result<(u16, Value)> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.write_all(self.request(method, path, lines, body).as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        read_answer(&answer).ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    /// The text of such a request.
    pub fn request(&self, method: &str, path: &str, lines: &str, body: &str) -> String {
        let (address, token, length) = (self.address, &self.token, body.len());
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{lines}\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

/// Status and JSON of an answer; nothing where it is not whole.
pub fn read_answer(answer: &str) -> Option<(u16, Value)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.to_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
    if length.is_some_and(|length| length.parse() != Ok(body.len())) {
        return None;
    }
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

impl Served {
    /// Starts `serve` with these arguments, behind these global ones, and waits for its banner.
    pub fn start(data: &Path, arguments: &[&str], global: &[&str]) -> Self {
        Self::listening("127.0.0.1:0", data, arguments, global)
    }

    /// The same on an address of one's own choice.
    pub fn listening(listen: &str, data: &Path, arguments: &[&str], global: &[&str]) -> Self {
        Self::under(&[], listen, data, arguments, global)
    }

    /// The same as the last words of another command.
    pub fn under(
        command: &[&str],
        listen: &str,
        data: &Path,
        arguments: &[&str],
        global: &[&str],
    ) -> Self {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(data.with_extension("log"))
            .unwrap();
        let words = [command, &[env!("CARGO_BIN_EXE_musicdb-stream")]].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .args(["--data", data.to_str().unwrap()])
            .args(global)
            .args(["serve", "--listen", listen])
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("serve ended before its banner").unwrap();
            if let Some((_, url)) = line.split_once("http://") {
                let authority = url.split(['/', ' ']).next().unwrap();
                break authority.parse().unwrap();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        let token = std::fs::read_to_string(data.join("control.token")).unwrap().trim().to_owned();
        Self { child, address, token, data: data.to_owned() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A way to it that outlives it.
    pub fn remote(&self) -> Remote {
        Remote { address: self.address, token: self.token.clone() }
    }

    /// A request with the control token: status and JSON.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.remote().ask(method, path, "", body).unwrap()
    }

    pub fn state(&self) -> Value {
        self.ask("GET", "/api/v1/state", "").1
    }

    pub fn play(&self, play: bool) -> Value {
        self.ask("POST", "/api/v1/play", &format!("{{\"play\":{play}}}")).1
    }

    pub fn next(&self) -> Value {
        self.ask("POST", "/api/v1/next", "").1
    }

    /// Waits until the state is as wanted; for at most `patience`.
    pub fn wait_for(&self, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Duration {
        let began = Instant::now();
        while !wanted(&self.state()) {
            assert!(began.elapsed() < patience, "not reached in {patience:?}: {}", self.state());
            std::thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    /// CPU seconds (user and system) so far, and resident bytes, from /proc.
    pub fn cost(&self) -> (f64, u64) {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.pid())).unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        (ticks / 100.0, pages * 4096)
    }

    /// Ends it with SIGTERM and tells how long that took.
    pub fn terminate(self) -> (Duration, std::process::ExitStatus) {
        self.end_with("-TERM")
    }

    /// The same with another signal.
    pub fn end_with(mut self, signal: &str) -> (Duration, std::process::ExitStatus) {
        let began = Instant::now();
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        (began.elapsed(), status)
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
