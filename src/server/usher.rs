//! The usher: takes a listener from its request to its seat, by way of the gate and the limits.

use std::{
    net::IpAddr,
    sync::{Arc, Weak},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{
    access_log::Visit,
    document::Documents,
    door::{Door, Guest},
    fan::{Fan, Seat},
    gate::{Caller, Gate, Ticket, Verdict},
    guard::{self, LockedOut},
    handed::Handed,
    listener::Listener,
    login::Login,
    mount::Mount,
    registry::{Full, Visitor},
    request::Request,
    source::Sources,
    tls::Tls,
};
use crate::{
    icy::{Answer, Burst, date::Date},
    net::percent,
};

/// What a listener wants.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) request: Request,
    /// The mount that it hears: the one that it asked for, or what stands in for that.
    pub(super) mount: Arc<Mount>,
    pub(super) titles: bool,
    /// What it gets at once; nothing where it wants the head alone.
    pub(super) burst: Option<Burst>,
}

/// A door while a gate is being asked. The server may end meanwhile, and must not wait for that.
struct Absent {
    documents: Arc<Documents>,
    handed: mpsc::Sender<Handed>,
    pages: Arc<Semaphore>,
    asking: Arc<Semaphore>,
    fan: Weak<Fan>,
    sources: Arc<Sources>,
    tls: Option<Arc<Tls>>,
    alive: mpsc::WeakSender<()>,
}

impl Absent {
    /// The door again; nothing where the server has ended.
    fn back(self) -> Option<Door> {
        let Self { documents, handed, pages, asking, fan, sources, tls, alive } = self;
        let (fan, alive) = (fan.upgrade()?, alive.upgrade()?);
        Some(Door { documents, handed, pages, asking, fan, sources, tls, alive })
    }
}

impl Door {
    /// Lets somebody listen, or look at the head of a stream; where the mount that was asked for has
    /// a gate, that decides first.
    pub(super) fn listen(self, wish: Wish, guest: Guest, client: IpAddr) {
        let rules = self.documents.mounts.rules(&wish.request.path);
        let time_limit = rules.time_limit;
        let Some(gate) = rules.gate.clone() else {
            return self.admit(wish, Ticket { time_limit, ..Ticket::default() }, guest, client);
        };
        let Ok(waiting) = Arc::clone(&self.asking).try_acquire_owned() else {
            let busy = Answer::text(403, "busy, please try again later");
            return self.answer(guest, busy, wish.burst.is_none());
        };
        let caller = self.caller(&wish.request, client);
        if caller.login.is_some()
            && let Err(wait) = self.documents.guard.allows(client, Instant::now())
        {
            return self.answer(guest, guard::locked_out(wait), wish.burst.is_none());
        }
        let Self { documents, handed, pages, asking, fan, sources, tls, alive } = self;
        let (fan, alive) = (Arc::downgrade(&fan), alive.downgrade());
        let door = Absent { documents, handed, pages, asking, fan, sources, tls, alive };
        tokio::spawn(ask(gate, caller, time_limit, waiting, door, wish, guest, client));
    }

    fn caller(&self, request: &Request, client: IpAddr) -> Caller {
        let path = percent::encode_path(&String::from_utf8_lossy(&request.path));
        let query = if request.query.is_empty() { "" } else { "?" };
        Caller {
            id: self.documents.listeners.next_id(),
            login: request.login.clone().or_else(|| login_in_query(request)),
            mount: format!("{path}{query}{}", request.query),
            address: client,
            user_agent: request.user_agent.clone().unwrap_or_default(),
            server: self.documents.host_name(),
            port: self.documents.local.port(),
        }
    }

    /// Whoever passed the gate is let in if there is room.
    fn admit(self, wish: Wish, ticket: Ticket, guest: Guest, client: IpAddr) {
        let Wish { request, mount, titles, burst } = wish;
        let documents = &self.documents;
        let (head, metaint) = documents.stream_head(&mount, titles);
        let Some(burst) = burst else { return self.send(guest, 200, head) };
        let now = Instant::now();
        let visitor = Visitor {
            id: ticket.id,
            request: guest.visit.as_ref().map_or("", Visit::request),
            user_agent: request.user_agent.as_deref().unwrap_or_default(),
            referer: guest.visit.as_ref().map_or("", Visit::referer),
            user: &ticket.user,
        };
        let place = match documents.listeners.admit(client, visitor, &mount, now) {
            Ok(place) => place,
            Err(full) => {
                let elsewhere =
                    (full != Full::Address).then(|| documents.relays.next(&request.path));
                let answer = elsewhere.flatten().map(|relay| Answer::moved(&relay));
                let answer = answer.unwrap_or_else(|| Answer::text(403, &full.to_string()));
                return self.answer(guest, answer, false);
            }
        };
        if let Some(session) = ticket.session {
            place.attach(session);
        }
        let tick = documents.epoch.tick(now);
        let mut listener = Listener::new(&mount, head, metaint, burst, tick);
        if let Some(intro) = mount.rules().intro.as_ref().filter(|intro| intro.suits(&mount)) {
            listener.hear_first(intro);
        }
        let wire = match guest.stream.into_wire() {
            Ok(wire) => wire,
            Err(error) => {
                tracing::debug!(%error, "a listener's connection was lost before it was served");
                return;
            }
        };
        let mut seat = Seat::new(wire, listener, place);
        if let Some(limit) = ticket.time_limit {
            seat.end_at(tick.after(limit));
        }
        if let Err(seat) = self.fan.take(seat) {
            tracing::warn!("a listener was turned away: too many come at once");
            let busy = Answer::error_page(503, "Too many come at once. Try again in a moment");
            seat.turn_away(&busy.to_bytes(Date::of(SystemTime::now()), false));
        }
    }

    /// A login was missing or wrong.
    fn refuse(self, words: Option<&str>, (guest, client): (Guest, IpAddr), is_head: bool) {
        tracing::debug!(%client, "a listener's login was refused");
        let wanted = Answer::login_wanted();
        let body = words.map_or(wanted.body.clone(), |words| format!("{words}\r\n"));
        self.answer(guest, Answer { body, ..wanted }, is_head);
    }
}

#[expect(clippy::too_many_arguments, reason = "all that a listener is before it has a seat")]
async fn ask(
    gate: Arc<Gate>,
    caller: Caller,
    time_limit: Option<Duration>,
    waiting: OwnedSemaphorePermit,
    door: Absent,
    wish: Wish,
    guest: Guest,
    client: IpAddr,
) {
    let is_head = wish.burst.is_none();
    let has_login = caller.login.is_some();
    let documents = Arc::clone(&door.documents);
    let allowed = || documents.guard.allows(client, Instant::now());
    let verdict = gate.ask(caller, || !has_login || allowed().is_ok()).await;
    drop(waiting);
    let Some(door) = door.back() else { return };
    match verdict {
        Verdict::Admitted(ticket) => {
            if has_login {
                door.documents.guard.succeeded(client);
            }
            let limits = [ticket.time_limit, time_limit];
            let time_limit = limits.into_iter().flatten().min();
            door.admit(wish, Ticket { time_limit, ..ticket }, guest, client);
        }
        Verdict::Refused(words) => {
            if has_login {
                door.documents.guard.failed(client, Instant::now());
            }
            door.refuse(words.as_deref(), (guest, client), is_head);
        }
        Verdict::LockedOut => {
            let locked_out = allowed().err().unwrap_or(LockedOut { left: Duration::ZERO });
            door.answer(guest, guard::locked_out(locked_out), is_head);
        }
        Verdict::Unknown => {
            let words = "The login cannot be checked now. Try again in a moment";
            door.answer(guest, Answer::text(503, words), is_head);
        }
    }
}

/// `?user=NAME&pass=PASSWORD`, for players that know no logins.
fn login_in_query(request: &Request) -> Option<Login> {
    let decoded = |key| request.argument(key).map(percent::decode_form);
    Some(Login::new(&decoded("user")?, &decoded("pass").unwrap_or_default()))
}
