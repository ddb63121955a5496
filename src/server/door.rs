//! The door: reads one connection's request and takes it to where it belongs.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, mpsc},
    time::{error::Elapsed, timeout, timeout_at},
};

use super::{
    access_log::Visit,
    admin,
    document::Documents,
    fan::Fan,
    forwarded::believe,
    guard::watch,
    handed::{Handed, Prefixed},
    pending::{Room, Turn},
    request::{BadHead, Head, Request, behind_head, read_head},
    route::{Route, route},
    source::Sources,
    tls::Tls,
    transport::Transport,
    usher::Wish,
};
use crate::icy::{Answer, date::Date};

/// From the connection to the end of its head, as Icecast has it.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// For a short answer to be taken and the connection to be closed by the peer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of an unwanted body that are taken, so that the answer before them arrives.
const MAX_UNWANTED: usize = 256 * 1024;
/// What somebody is told whose address is not let in.
const NOT_FROM_HERE: &str = "This address is not let in";

/// What every connection needs; one for the whole server.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) documents: Arc<Documents>,
    pub(super) handed: mpsc::Sender<Handed>,
    /// Room for those handed on: they may stay, and must not keep listeners out.
    pub(super) pages: Arc<Semaphore>,
    /// Room for listeners whose login is being looked at.
    pub(super) asking: Arc<Semaphore>,
    pub(super) fan: Arc<Fan>,
    pub(super) sources: Arc<Sources>,
    /// What those who come must speak first; nothing at the plain port.
    pub(super) tls: Option<Arc<Tls>>,
    /// Never sent on: held by everything that must end before the server has.
    pub(super) alive: mpsc::Sender<()>,
}

/// A connection, and the room that it takes while it is no listener's.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) stream: Transport,
    pub(super) room: Room,
    /// What the access log will say of it, where there is one.
    pub(super) visit: Option<Visit>,
}

impl Door {
    /// Lets a connection in that has just come; where this is the TLS port, behind its handshake.
    pub(super) async fn welcome(self, stream: TcpStream, room: Room, peer: SocketAddr, turn: Turn) {
        let stream = match &self.tls {
            None => Transport::Plain(stream),
            // In a box: the handshake would make the task of every plain connection larger.
            Some(tls) => match Box::pin(tls.accept(stream, &turn)).await {
                Ok(stream) => Transport::Tls(Box::new(stream)),
                Err(error) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    return;
                }
            },
        };
        self.attend(Guest { stream, room, visit: None }, peer).await;
    }

    /// Reads the request of a connection, then lets another task serve it.
    async fn attend(self, mut guest: Guest, peer: SocketAddr) {
        let since = Instant::now();
        let guests = &self.documents.guests;
        if !guests.may_speak(peer.ip()) {
            return self.answer(guest, Answer::error_page(403, NOT_FROM_HERE), false);
        }
        let mut bytes = Vec::new();
        let head = head_in_time(&mut guest.stream, &mut bytes).await;
        let mut request = match head {
            Ok(Ok(Some(request))) => request.over(&guest.stream),
            // The peer has left.
            Ok(Err(_)) => return,
            Ok(Ok(None)) => return self.answer(guest, bad_head(&bytes), asks_for_head(&bytes)),
            // A connection that never said a word, as browsers open them, is owed none.
            Err(_) if bytes.is_empty() => return,
            Err(_) => {
                let late = Answer::error_page(408, "The request did not come in time");
                return self.answer(guest, late, asks_for_head(&bytes));
            }
        };
        let client = believe(&mut request, peer.ip(), guests);
        if !guests.has(client) {
            let is_head = request.method == "HEAD";
            return self.answer(guest, Answer::error_page(403, NOT_FROM_HERE), is_head);
        }
        guest.visit = self.documents.access_log.visit(&request, client, since);
        self.dispatch(request, bytes, guest, (peer, client));
    }

    /// Does what is asked for by `client`, which may stand behind its `peer`, a proxy.
    fn dispatch(
        self,
        request: Request,
        bytes: Vec<u8>,
        guest: Guest,
        (peer, client): (SocketAddr, IpAddr),
    ) {
        let is_head = request.method == "HEAD";
        let documents = Arc::clone(&self.documents);
        if !matches!(request.method.as_str(), "SOURCE" | "PUT") {
            documents.connections.note_request();
        }
        match route(&request, &documents.mounts, &documents.options) {
            Route::HandOver => self.hand_over(bytes, guest, SocketAddr::new(client, peer.port())),
            Route::Listen { mount, titles, burst } => {
                let burst = Some(burst);
                self.listen(Wish { request, mount, titles, burst }, guest, client);
            }
            Route::StreamHead { mount, titles } => {
                self.listen(Wish { request, mount, titles, burst: None }, guest, client);
            }
            Route::Playlist { kind, name, mount } => {
                let playlist = documents.playlist(kind, (&name, &mount), &request);
                self.answer(guest, playlist, is_head);
            }
            Route::Admin => {
                let answer = admin::answer(&documents, &self.fan, &request, client);
                self.answer(guest, answer, is_head);
            }
            Route::Status => self.answer(guest, documents.status(&request), is_head),
            Route::Source => self.feed(&request, &bytes, guest, client),
            Route::Answer(answer) => self.answer(guest, answer, is_head),
        }
    }

    /// Lets a source client feed a mount, in a task of its own.
    fn feed(self, request: &Request, bytes: &[u8], guest: Guest, client: IpAddr) {
        let (documents, now) = (&self.documents, Instant::now());
        // Without its slash it is no mount, and told so by a 401 whatever the password.
        let has_login = request.login.is_some() && request.path.starts_with(b"/");
        let admitted = watch(&documents.guard, has_login, (client, now), || {
            self.sources.admit(request, &documents.options, client, now)
        });
        match admitted {
            Ok(session) => {
                documents.connections.note_source();
                self.fan.follow(session.relay());
                let mount = session.mount();
                if let Some(back) = documents.mounts.returned(mount)
                    && !self.fan.move_all(&back, mount)
                {
                    tracing::warn!(
                        mount = mount.name(),
                        "not all listeners of its fallback could be told that a source is back"
                    );
                }
                let begun = behind_head(bytes).to_vec();
                tokio::spawn(session.run(guest, begun, (self.documents, self.fan, self.alive)));
            }
            Err(refusal) => self.answer(guest, refusal, false),
        }
    }

    fn hand_over(self, bytes: Vec<u8>, guest: Guest, peer: SocketAddr) {
        self.documents.connections.note_page();
        let is_head = asks_for_head(&bytes);
        let page = Arc::clone(&self.pages).try_acquire_owned();
        match (page, self.handed.clone().try_reserve_owned()) {
            (Ok(page), Ok(place)) => {
                let kept = guest.room.into_iter().chain([page]).collect();
                place.send(Handed { io: Prefixed::keeping(bytes, guest.stream, kept), peer });
            }
            _ => {
                let busy = Answer::error_page(503, "The server is busy. Try again in a moment");
                self.answer(guest, busy, is_head);
            }
        }
    }

    pub(super) fn answer(self, guest: Guest, answer: Answer, is_head: bool) {
        let bytes = answer.to_bytes(Date::of(SystemTime::now()), is_head);
        self.send(guest, answer.status, bytes);
    }

    /// Sends a short answer and closes, in a task of its own: this one counts as reading a head.
    pub(super) fn send(self, guest: Guest, status: u16, answer: Vec<u8>) {
        let Self { documents, alive, .. } = self;
        tokio::spawn(async move {
            let Guest { mut stream, room: _room, visit } = guest;
            let limit = Instant::now() + ANSWER_LIMIT;
            // A peer that does not take its answer has left.
            let _ = timeout_at(limit.into(), send_and_end(&mut stream, &answer)).await;
            if let Some(visit) = visit {
                documents.access_log.note(&visit, status, answer.len() as u64);
            }
            // For the rest the server need not stay.
            drop((documents, alive));
            let _ = timeout_at(limit.into(), hear_out(&mut stream)).await;
        });
    }
}

/// What came of reading a head; too late where it was not whole in time, however steadily it comes.
async fn head_in_time(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> Result<io::Result<Option<Request>>, Elapsed> {
    timeout(HEAD_LIMIT, receive_head(stream, bytes)).await
}

/// Reads until the head is whole; nothing where it will never be a good one.
async fn receive_head(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    loop {
        let seen = bytes.len();
        if stream.read_buf(bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match read_head(bytes, seen) {
            Ok(Head::Partial) => {}
            Ok(Head::Whole(request)) => return Ok(Some(*request)),
            Err(_) => return Ok(None),
        }
    }
}

/// No answer to it has a body, an error neither (RFC 9110 section 9.3.2).
fn asks_for_head(bytes: &[u8]) -> bool {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    bytes.get(blank..).is_some_and(|head| head.starts_with(b"HEAD "))
}

fn bad_head(bytes: &[u8]) -> Answer {
    match read_head(bytes, 0) {
        Err(BadHead::TooLarge) => Answer::error_page(431, "The request's head is too large"),
        _ => Answer::error_page(400, "This is not a request that HTTP knows"),
    }
}

async fn send_and_end(stream: &mut Transport, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await
}

/// Closing with bytes unread would reset the connection before the answer is read: so the peer is
/// told first that this is the end, and heard until it closes too.
async fn hear_out(stream: &mut Transport) -> io::Result<()> {
    let mut heard = 0;
    while heard < MAX_UNWANTED {
        match stream.read(&mut [0; 2048]).await? {
            0 => break,
            len => heard += len,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::{io::duplex, time::sleep};

    use super::*;

    /// A source client's head with a good login, byte by byte with such pauses: how it is read.
    async fn trickled(pause: Duration) -> Result<io::Result<Option<Request>>, Elapsed> {
        let (mut ours, mut theirs) = duplex(64);
        tokio::spawn(async move {
            let login = "Authorization: Basic c291cmNlOmhhY2ttZQ==";
            let head =
                format!("SOURCE /live HTTP/1.0\r\n{login}\r\nContent-Type: audio/mpeg\r\n\r\n");
            for byte in head.bytes() {
                sleep(pause).await;
                if theirs.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
        head_in_time(&mut ours, &mut Vec::new()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_has_fifteen_seconds_and_no_more_whatever_its_login() {
        let begun = tokio::time::Instant::now();
        assert!(trickled(Duration::from_secs(1)).await.is_err());
        assert_eq!(begun.elapsed(), HEAD_LIMIT);
        let request = trickled(Duration::from_millis(100)).await.unwrap().unwrap().unwrap();
        assert_eq!(request.method, "SOURCE");
    }
}
