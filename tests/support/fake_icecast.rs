//! A fake Icecast: does what a script says, connection by connection, and remembers what it got.
//!
//! Its answers are those of Icecast 2.4.4 and 2.5.0 as their facts are known; the real 2.4.4 is
//! asked the same things in `icecast_peer.rs`.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use musicdb_stream::{
    icecast::{Limits, Target},
    net::backoff::Schedule,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::air::PATIENCE;

pub const CONTINUE_AND_OK: &str =
    "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";
pub const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
pub const OK: &str = "HTTP/1.0 200 OK\r\n\r\n";
pub const TITLE_TAKEN: &str = "HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<iceresponse>\
    <message>Metadata update successful</message><return>1</return></iceresponse>";

/// What it does with one source connection once it has read the head.
#[derive(Debug, Clone)]
pub enum Act {
    /// Sends this and closes.
    Refuse(String),
    /// Sends this and takes the body until its end.
    Accept(&'static str),
    /// As `Accept`, and closes after so many bytes of body.
    AcceptThenClose(&'static str, usize),
    /// As `Accept`, and sends this after so many bytes of body.
    AcceptThenSay(&'static str, usize, &'static str),
    /// As `Accept`, and reads nothing of the body before [`FakeIcecast::wake`].
    AcceptAndSleep(&'static str),
    /// Closes without an answer.
    Close,
    /// Answers nothing and keeps the connection.
    Silence,
}

/// One source connection.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    pub head: String,
    pub body: Vec<u8>,
    pub is_tls: bool,
    /// The source has ended it in order.
    pub ended: bool,
}

#[derive(Default)]
pub struct State {
    pub script: VecDeque<Act>,
    pub visits: Vec<Visit>,
    /// Heads of the requests for titles, each with its body.
    pub titles: Vec<String>,
    pub title_answers: VecDeque<&'static str>,
    /// TLS greetings are answered; otherwise the connection is closed on them.
    pub speaks_tls: bool,
    /// TLS greetings that were met with closing.
    pub greetings_refused: usize,
    awake: bool,
    sockets: Vec<TcpStream>,
    over: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub struct FakeIcecast {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl FakeIcecast {
    /// A server that plays `script` and afterwards accepts as Icecast 2.4 does.
    pub fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        shared.change(|state| state.script.extend(script));
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if of_thread.lock().over {
                    return;
                }
                let (shared, socket) = (Arc::clone(&of_thread), socket.unwrap());
                shared.change(|state| state.sockets.push(socket.try_clone().unwrap()));
                // An error ends the connection: that is what the script or the other side wanted.
                std::thread::spawn(move || {
                    let closing = socket.try_clone().unwrap();
                    drop(shared.attend(socket));
                    drop(closing.shutdown(Shutdown::Both));
                });
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// A target that means this server, with waits that suit a test.
    pub fn target(&self) -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.address.port(),
            password: "hackme".to_owned(),
            limits: quick(),
            ..Target::default()
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut State)) {
        self.shared.change(change);
    }

    pub fn wake(&self) {
        self.change(|state| state.awake = true);
    }

    /// Waits until the state satisfies `wanted`, and returns what `wanted` found.
    pub fn wait<T>(&self, what: &str, wanted: impl Fn(&State) -> Option<T>) -> T {
        self.shared.wait(wanted).unwrap_or_else(|| panic!("the fake Icecast waits for {what}"))
    }

    /// Waits for connection number `index` to have at least `len` bytes of body.
    pub fn wait_body(&self, index: usize, len: usize) -> Vec<u8> {
        self.wait("the body", |state| {
            state.visits.get(index).filter(|visit| visit.body.len() >= len).map(|v| v.body.clone())
        })
    }
}

impl Drop for FakeIcecast {
    fn drop(&mut self) {
        self.change(|state| {
            state.over = true;
            state.awake = true;
            for socket in state.sockets.drain(..) {
                drop(socket.shutdown(Shutdown::Both));
            }
        });
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Waits that keep tests short and still hold on a busy machine.
fn quick() -> Limits {
    let retry = Schedule {
        soon: Duration::from_millis(10),
        refused: Duration::from_millis(30),
        ..Schedule::default()
    };
    Limits { title_retry: Duration::from_millis(5), retry, ..Limits::default() }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait<T>(&self, wanted: impl Fn(&State) -> Option<T>) -> Option<T> {
        let state = self.lock();
        let waiting = |state: &mut State| wanted(state).is_none();
        let (state, _) = self.changed.wait_timeout_while(state, PATIENCE, waiting).unwrap();
        wanted(&state)
    }

    fn attend(&self, socket: TcpStream) -> io::Result<()> {
        let mut first = [0];
        // Handshake type 22 begins a TLS record.
        if socket.peek(&mut first)? == 1 && first[0] == 22 {
            if !self.lock().speaks_tls {
                self.change(|state| state.greetings_refused += 1);
                return socket.shutdown(Shutdown::Both);
            }
            let session = ServerConnection::new(Arc::new(server_tls())).unwrap();
            return self.serve(StreamOwned::new(session, socket), true);
        }
        self.serve(socket, false)
    }

    fn serve(&self, mut stream: impl Read + Write, is_tls: bool) -> io::Result<()> {
        let head = read_head(&mut stream)?;
        if head.contains("/admin/metadata") {
            return self.title(stream, head);
        }
        let mut index = 0;
        let mut act = None;
        self.change(|state| {
            index = state.visits.len();
            state.visits.push(Visit { head, is_tls, ..Visit::default() });
            act = state.script.pop_front();
        });
        let act = act.unwrap_or(Act::Accept(CONTINUE_AND_OK));
        let (answer, until, say) = match &act {
            Act::Close => return Ok(()),
            Act::Silence => ("", usize::MAX, ""),
            Act::Refuse(answer) => {
                stream.write_all(answer.as_bytes())?;
                return stream.flush();
            }
            Act::Accept(answer) | Act::AcceptAndSleep(answer) => (*answer, usize::MAX, ""),
            Act::AcceptThenClose(answer, after) => (*answer, *after, ""),
            Act::AcceptThenSay(answer, after, say) => (*answer, *after, *say),
        };
        stream.write_all(answer.as_bytes())?;
        stream.flush()?;
        if matches!(act, Act::AcceptAndSleep(_)) {
            self.wait(|state| state.awake.then_some(()));
        }
        self.read_body(&mut stream, index, until)?;
        if !say.is_empty() {
            stream.write_all(say.as_bytes())?;
            stream.flush()?;
            self.read_body(&mut stream, index, usize::MAX)?;
        }
        Ok(())
    }

    fn read_body(&self, stream: &mut impl Read, index: usize, until: usize) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if self.lock().visits[index].body.len() >= until {
                return Ok(());
            }
            let read = stream.read(&mut buffer)?;
            self.change(|state| {
                let visit = &mut state.visits[index];
                visit.body.extend_from_slice(&buffer[..read]);
                visit.ended = read == 0;
            });
            if read == 0 {
                return Ok(());
            }
        }
    }

    fn title(&self, mut stream: impl Read + Write, mut head: String) -> io::Result<()> {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body)?;
        head.push_str(&String::from_utf8_lossy(&body));
        let mut answer = None;
        self.change(|state| {
            state.titles.push(head);
            answer = state.title_answers.pop_front();
        });
        stream.write_all(answer.unwrap_or(TITLE_TAKEN).as_bytes())?;
        stream.flush()
    }
}

fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// The authority that signed the fake's certificate for `localhost` and 127.0.0.1.
pub fn authority() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("../fixtures/tls/authority.pem")).unwrap()
}

fn server_tls() -> ServerConfig {
    let certificate = include_bytes!("../fixtures/tls/localhost.pem");
    let key = include_bytes!("../fixtures/tls/localhost.key");
    ServerConfig::builder_with_provider(musicdb_stream::net::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap()
}
