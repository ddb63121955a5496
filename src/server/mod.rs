//! The embedded server: one port, mounts for listeners, and a hand-over for everything else.
//!
//! ```text
//!   (TLS)    accept ── head ── request ── route ─┬─ listener  (mount)  registry, fan
//!                     door.rs                    ├─ answer    (playlist, status, refusals)
//!                                                ├─ source    (handshake, intake)    a relay
//!                                                ├─ admin     (Icecast's administration)    guard
//!                                                └─ handed    (web page, API)
//! ```
//!
//! A mount may have a `gate` at which listeners log in; the `usher` brings them through it to their seats.
//! `request`, `route`, `address`, `forwarded`, `guest_list`, `rules`, `listener` and its `cursor` know no socket and no clock; `front`, `door` and
//! `fan` are the shells around them.

mod access_log;
mod address;
mod admin;
mod connections;
mod cursor;
mod document;
mod door;
mod fan;
mod feed;
mod feeder;
mod figures;
mod forwarded;
mod front;
mod gate;
mod guard;
mod guest_list;
mod handed;
mod intro;
mod journal;
mod listener;
mod login;
mod mount;
mod mounts;
mod names;
mod options;
mod pending;
mod registry;
mod relays;
mod request;
mod route;
mod rows;
mod rules;
mod socket;
mod source;
mod tick;
mod tls;
mod transport;
mod usher;

pub use figures::Figures;
pub use front::{DRAIN_LIMIT, Server};
pub use handed::{Handed, Prefixed};
pub use listener::STALL_LIMIT;
pub use options::{ServerOptions, TlsOptions};
pub use registry::{Listeners, Totals};
pub use request::MAX_HEAD;
pub use socket::ServerError;
pub use tls::CertificateError;
pub use transport::Transport;
