//! A web page with an audio element, served to a headless Chromium, and what the page tells back.

#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use serde_json::Value;

use super::players::{PATIENCE, Player};

/// Plays `?URL`, reads the same by `fetch` with and without asking for titles, and reports twice:
/// after three seconds of sound, and when the sound has ended.
const PAGE: &str = "<!doctype html><meta charset=utf-8><audio id=audio></audio><script>
const url = decodeURIComponent(location.search.slice(1)), audio = document.getElementById('audio');
const facts = {};
async function read(name, headers) {
  const stop = new AbortController();
  try {
    const answer = await fetch(url, { headers, signal: stop.signal });
    const first = await answer.body.getReader().read();
    const header = key => answer.headers.get(key);
    facts[name] = { status: answer.status, type: header('content-type'), metaint: header('icy-metaint'),
      bitrate: header('icy-br'), bytes: first.value.length > 0 };
    stop.abort();
  } catch (error) { facts[name] = { error: error.name }; }
}
const report = kind => fetch('/' + kind, { method: 'POST', body: JSON.stringify(Object.assign(facts, {
  time: audio.currentTime, duration: String(audio.duration), error: audio.error && audio.error.code,
  ended: audio.ended, seekable: audio.seekable.length })) });
audio.addEventListener('ended', () => report('over'));
audio.addEventListener('error', () => report('over'));
audio.src = url;
audio.play().catch(error => facts.refused = error.name);
Promise.all([read('plain', {}), read('titles', { 'Icy-MetaData': '1' })]).then(() => {
  let told = false;
  audio.addEventListener('timeupdate', () => {
    if (audio.currentTime > 3 && !told) { told = true; report('playing'); }
  });
});
</script>";

/// The browser on the page, and its reports.
pub struct Browser {
    player: Player,
    reports: Receiver<(String, Value)>,
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Browser {
    /// Opens the page that plays `url`.
    pub fn open(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, reports) = mpsc::channel();
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                // A browser opens connections on which it asks nothing for a long time.
                let sender = sender.clone();
                thread::spawn(move || attend(socket, &sender));
            }
        });
        let page = format!("http://{address}/?{url}");
        // --no-sandbox: within a container there is none to be had.
        let player = Player::start(
            "chromium",
            &[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--mute-audio",
                "--disable-background-networking",
                "--autoplay-policy=no-user-gesture-required",
                "--user-data-dir=profile",
                "--remote-debugging-port=0",
                &page,
            ],
        );
        Self { player, reports, address, over, thread: Some(thread) }
    }

    /// Waits for a report of this kind.
    pub fn report(&self, kind: &str) -> Value {
        loop {
            let report = self.reports.recv_timeout(PATIENCE);
            let said = || format!("no report \"{kind}\" from chromium: {}", self.player.said());
            let (of_kind, facts) = report.unwrap_or_else(|_| panic!("{}", said()));
            if of_kind == kind {
                return facts;
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Answers one request; nothing where none came.
fn attend(socket: TcpStream, reports: &Sender<(String, Value)>) -> Option<()> {
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut reader = BufReader::new(socket.try_clone().ok()?);
    let (mut line, mut length) = (String::new(), 0);
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut header = String::new();
    while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
        if let Some(value) = header.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        header.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if let Some(kind) = line.strip_prefix("POST /").and_then(|rest| rest.split(' ').next()) {
        let _ = reports.send((kind.to_owned(), serde_json::from_slice(&body).unwrap_or_default()));
    }
    let page = if line.starts_with("GET /?") { PAGE } else { "" };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        page.len()
    );
    let _ = (&socket).write_all([head.as_bytes(), page.as_bytes()].concat().as_slice());
    Some(())
}
