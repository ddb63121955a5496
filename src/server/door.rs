//! The door: reads one connection's request and takes it to where it belongs.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{
    document::Documents,
    fan::Fan,
    forwarded::believe,
    handed::{Handed, Prefixed},
    pending::Room,
    request::{BadHead, Head, Request, read_head},
    route::{Route, route},
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
    /// Never sent on: held by everything that must end before the server has.
    pub(super) alive: mpsc::Sender<()>,
}

/// A connection, and the room that it takes while it is no listener's.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) stream: TcpStream,
    pub(super) room: Room,
}

impl Door {
    /// Reads the request of a connection that has just come, then lets another task serve it.
    pub(super) async fn attend(self, guest: Guest, peer: SocketAddr) {
        let guests = &self.documents.guests;
        if !guests.may_speak(peer.ip()) {
            return self.answer(guest, Answer::error_page(403, NOT_FROM_HERE), false);
        }
        let mut bytes = Vec::new();
        let head = timeout(HEAD_LIMIT, receive_head(&guest.stream, &mut bytes)).await;
        let mut request = match head {
            Ok(Ok(Some(request))) => request,
            // The peer has left.
            Ok(Err(_)) => return,
            Ok(Ok(None)) => return self.answer(guest, bad_head(&bytes), false),
            // A connection that never said a word, as browsers open them, is owed none.
            Err(_) if bytes.is_empty() => return,
            Err(_) => {
                let late = Answer::error_page(408, "The request did not come in time");
                return self.answer(guest, late, false);
            }
        };
        let client = believe(&mut request, peer.ip(), guests);
        if !guests.has(client) {
            return self.answer(guest, Answer::error_page(403, NOT_FROM_HERE), false);
        }
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
        match route(&request, &documents.mounts, &documents.options) {
            Route::HandOver => self.hand_over(bytes, guest, peer),
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
            Route::Status => self.answer(guest, documents.status(&request), is_head),
            Route::Answer(answer) => self.answer(guest, answer, is_head),
        }
    }

    fn hand_over(self, bytes: Vec<u8>, guest: Guest, peer: SocketAddr) {
        let page = Arc::clone(&self.pages).try_acquire_owned();
        match (page, self.handed.clone().try_reserve_owned()) {
            (Ok(page), Ok(place)) => {
                let kept = guest.room.into_iter().chain([page]).collect();
                place.send(Handed { io: Prefixed::keeping(bytes, guest.stream, kept), peer });
            }
            _ => {
                let busy = Answer::error_page(503, "The server is busy. Try again in a moment");
                self.answer(guest, busy, false);
            }
        }
    }

    pub(super) fn answer(self, guest: Guest, answer: Answer, is_head: bool) {
        let bytes = answer.to_bytes(Date::of(SystemTime::now()), is_head);
        self.send(guest, bytes);
    }

    /// Sends a short answer and closes, in a task of its own: this one counts as reading a head.
    pub(super) fn send(self, guest: Guest, answer: Vec<u8>) {
        let alive = self.alive;
        tokio::spawn(async move {
            let Guest { stream, room: _room } = guest;
            // A peer that does not take its answer has left.
            let _ = timeout(ANSWER_LIMIT, send_and_close(stream, &answer, alive)).await;
        });
    }
}

/// Reads until the head is whole; nothing where it will never be a good one.
async fn receive_head(stream: &TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        stream.readable().await?;
        let seen = bytes.len();
        match stream.try_read_buf(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        match read_head(bytes, seen) {
            Ok(Head::Partial) => {}
            Ok(Head::Whole(request)) => return Ok(Some(request)),
            Err(_) => return Ok(None),
        }
    }
}

fn bad_head(bytes: &[u8]) -> Answer {
    match read_head(bytes, 0) {
        Err(BadHead::TooLarge) => Answer::error_page(431, "The request's head is too large"),
        _ => Answer::error_page(400, "This is not a request that HTTP knows"),
    }
}

/// Closing with bytes unread would reset the connection before the answer is read: so the peer is
/// told first that this is the end, and heard until it closes too. For that the server need not
/// stay `alive`.
async fn send_and_close(
    mut stream: TcpStream,
    answer: &[u8],
    alive: mpsc::Sender<()>,
) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    drop(alive);
    let mut heard = 0;
    while heard < MAX_UNWANTED {
        stream.readable().await?;
        let mut buffer = [0; 2048];
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => heard += len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
