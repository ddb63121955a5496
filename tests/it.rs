//! The integration tests: one binary, one file a subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]

#[path = "support/mod.rs"]
mod support;

#[path = "it/architecture.rs"]
mod architecture;
#[path = "it/cli.rs"]
mod cli;
#[path = "it/icecast_peer.rs"]
mod icecast_peer;
#[path = "it/icecast_source.rs"]
mod icecast_source;
#[path = "it/library.rs"]
mod library;
#[path = "it/listener.rs"]
mod listener;
#[path = "it/listener_hostile.rs"]
mod listener_hostile;
#[path = "it/listener_peer.rs"]
mod listener_peer;
#[path = "it/mpeg_corpus.rs"]
mod mpeg_corpus;
#[path = "it/mpeg_fuzz.rs"]
mod mpeg_fuzz;
#[path = "it/queue.rs"]
mod queue;
#[path = "it/stations.rs"]
mod stations;
