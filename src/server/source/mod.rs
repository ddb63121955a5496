//! Sources: clients that send a stream of their own, to a mount of their own or as a live show.
//!
//! ```text
//! request ─ handshake ─ claim ─► booth     whose mount it is, and when it is heard there
//!                                  ▲
//! socket ─ session ─ body ─ intake ┴─► relay      whole frames or pages
//! ```
//!
//! `handshake`, `body` and the intakes know no socket; `session` is the shell around them.

mod adts;
mod arrival;
mod body;
mod booth;
mod chunked;
mod claim;
mod codec;
mod comment;
mod handshake;
mod inline;
mod intake;
mod mp3;
mod ogg;
mod opaque;
mod said;
mod session;

pub(super) use claim::Sources;
