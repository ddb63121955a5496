//! The integration tests: one binary, one file a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it saw"
)]

#[path = "support/mod.rs"]
mod support;

#[path = "it/access_log.rs"]
mod access_log;
#[path = "it/acknowledged.rs"]
mod acknowledged;
#[path = "it/admin.rs"]
mod admin;
#[path = "it/admin_peer.rs"]
mod admin_peer;
#[path = "it/architecture.rs"]
mod architecture;
#[path = "it/bad_command.rs"]
mod bad_command;
#[path = "it/bad_file.rs"]
mod bad_file;
#[path = "it/bad_input.rs"]
mod bad_input;
#[path = "it/bad_request.rs"]
mod bad_request;
#[path = "it/cli.rs"]
mod cli;
#[path = "it/deaths_peer.rs"]
mod deaths_peer;
#[path = "it/exact_peer.rs"]
mod exact_peer;
#[path = "it/full_disk.rs"]
mod full_disk;
#[path = "it/health.rs"]
mod health;
#[path = "it/health_peer.rs"]
mod health_peer;
#[path = "it/icecast_cost.rs"]
mod icecast_cost;
#[path = "it/icecast_peer.rs"]
mod icecast_peer;
#[path = "it/icecast_source.rs"]
mod icecast_source;
#[path = "it/icecast_title.rs"]
mod icecast_title;
#[path = "it/kills.rs"]
mod kills;
#[path = "it/lead_in.rs"]
mod lead_in;
#[path = "it/library.rs"]
mod library;
#[path = "it/listener.rs"]
mod listener;
#[path = "it/listener_auth.rs"]
mod listener_auth;
#[path = "it/listener_hostile.rs"]
mod listener_hostile;
#[path = "it/listener_http.rs"]
mod listener_http;
#[path = "it/listener_peer.rs"]
mod listener_peer;
#[path = "it/listener_storm.rs"]
mod listener_storm;
#[path = "it/matrix_peer.rs"]
mod matrix_peer;
#[path = "it/matrix_players_peer.rs"]
mod matrix_players_peer;
#[path = "it/metrics.rs"]
mod metrics;
#[path = "it/monitor.rs"]
mod monitor;
#[path = "it/monitor_command.rs"]
mod monitor_command;
#[path = "it/monitor_device_peer.rs"]
mod monitor_device_peer;
#[path = "it/monitor_peer.rs"]
mod monitor_peer;
#[path = "it/mount_settings.rs"]
mod mount_settings;
#[path = "it/mpeg_carriers.rs"]
mod mpeg_carriers;
#[path = "it/mpeg_corpus.rs"]
mod mpeg_corpus;
#[path = "it/mpeg_frames.rs"]
mod mpeg_frames;
#[path = "it/mpeg_fuzz.rs"]
mod mpeg_fuzz;
#[path = "it/mpeg_header.rs"]
mod mpeg_header;
#[path = "it/mpeg_silence.rs"]
mod mpeg_silence;
#[path = "it/on_air_peer.rs"]
mod on_air_peer;
#[path = "it/one_request.rs"]
mod one_request;
#[path = "it/open_files.rs"]
mod open_files;
#[path = "it/operating.rs"]
mod operating;
#[path = "it/passwords.rs"]
mod passwords;
#[path = "it/queue.rs"]
mod queue;
#[path = "it/queue_faults.rs"]
mod queue_faults;
#[path = "it/queue_model.rs"]
mod queue_model;
#[path = "it/readme.rs"]
mod readme;
#[path = "it/relays_peer.rs"]
mod relays_peer;
#[path = "it/requests.rs"]
mod requests;
#[path = "it/song_edges.rs"]
mod song_edges;
#[path = "it/song_joins_peer.rs"]
mod song_joins_peer;
#[path = "it/source_matrix_peer.rs"]
mod source_matrix_peer;
#[path = "it/sources.rs"]
mod sources;
#[path = "it/sources_live.rs"]
mod sources_live;
#[path = "it/sources_peer.rs"]
mod sources_peer;
#[path = "it/stations.rs"]
mod stations;
#[path = "it/tls.rs"]
mod tls;
#[path = "it/tls_crowd_peer.rs"]
mod tls_crowd_peer;
#[path = "it/tls_peer.rs"]
mod tls_peer;
