//! Metrics: the station's figures for Prometheus, made anew for each request.

use std::{
    fmt::Error,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::{sync::Semaphore, time::timeout};

use super::{ApiError, Backstage, health::last_frame_age, process::Process};
use crate::status::{MonitorState, MountFigures, OutputState, ServerFigures, SinkState};

/// What all names but those of the process begin with.
const PREFIX: &str = "musicdb_stream";
/// The format that the library writes; Prometheus asks for it since 2.5.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The format for everyone else.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The database may take so long to tell how many songs were played; then that is left out.
const PLAYED_LIMIT: Duration = Duration::from_secs(1);

/// One label with its value.
type Label = [(&'static str, String); 1];
type Whole = Gauge<i64, AtomicI64>;
type Real = Gauge<f64, AtomicU64>;

/// All that is told.
#[derive(Debug, Clone, Default)]
struct Facts {
    server: ServerFigures,
    outputs: Vec<OutputState>,
    monitor: MonitorState,
    is_playing: bool,
    is_connected: bool,
    wanted: bool,
    frame_age: Option<Duration>,
    /// Frames and bytes that have come out of the station.
    frames: u64,
    frame_bytes: u64,
    queue_length: u64,
    /// Songs that were ever played to their end.
    played: Option<u64>,
    uptime: Duration,
    process: Process,
}

pub(super) async fn metrics(
    State(backstage): State<Backstage>,
    headers: HeaderMap,
    played: Arc<Semaphore>,
) -> Result<Response, ApiError> {
    let played = songs_played(&backstage, played).await;
    let process = tokio::task::spawn_blocking(Process::now).await?;
    let text = Facts { played, process, ..Facts::of(&backstage) }.encode();
    let text = text.map_err(|_| ApiError::Internal("the figures could not be written"))?;
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (kind, text) = if accepted.is_some_and(|kinds| kinds.contains("openmetrics-text")) {
        (OPEN_METRICS, text)
    } else {
        (TEXT, to_text_format(&text))
    };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Asks the database, one request at a time: on a disk that hangs, those that come every few seconds
/// would take all threads that may wait for it.
async fn songs_played(backstage: &Backstage, one: Arc<Semaphore>) -> Option<u64> {
    let turn = one.try_acquire_owned().ok()?;
    let library = backstage.manager.library();
    let reading = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        library.history(0, 0).map(|(total, _)| total)
    });
    timeout(PLAYED_LIMIT, reading).await.ok()?.ok()?.ok()
}

impl Facts {
    fn of(backstage: &Backstage) -> Self {
        let (state, relay) = (backstage.manager.stream_state(), backstage.manager.relay());
        Self {
            server: (backstage.figures)(),
            outputs: state.outputs,
            monitor: backstage.monitor.state(),
            is_playing: state.is_playing,
            is_connected: state.is_connected,
            wanted: state.wanted,
            frame_age: last_frame_age(backstage, Instant::now()),
            frames: relay.next_frame(),
            frame_bytes: relay.end(),
            queue_length: backstage.manager.queue().snapshot().length as u64,
            uptime: backstage.started.elapsed(),
            ..Self::default()
        }
    }

    /// As OpenMetrics 1.0 has it.
    fn encode(&self) -> Result<String, Error> {
        let mut registry = Registry::default();
        self.add_process(&mut registry);
        let ours = registry.sub_registry_with_prefix(PREFIX);
        self.add_station(ours);
        self.add_server(ours);
        add_mounts(ours, &self.server.mounts);
        add_monitor(ours, &self.monitor);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }

    fn add_process(&self, registry: &mut Registry) {
        let Process { resident, open_files, max_open_files } = self.process;
        if let Some(bytes) = resident {
            let help = "Resident memory of the process";
            registry.register_with_unit("process_resident_memory", help, Unit::Bytes, whole(bytes));
        }
        if let Some(files) = open_files {
            registry.register("process_open_fds", "Open files and sockets", whole(files));
        }
        if let Some(files) = max_open_files {
            let help = "Files and sockets that may be open";
            registry.register("process_max_fds", help, whole(files));
        }
    }

    fn add_station(&self, ours: &mut Registry) {
        let build = Family::<Label, Whole>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        ours.register("build_info", "The program's version; always 1", build);
        let uptime = Real::default();
        uptime.set(self.uptime.as_secs_f64());
        ours.register_with_unit("uptime", "Since the stream was started", Unit::Seconds, uptime);
        let flags = [
            ("is_playing", "Song frames are going out", self.is_playing),
            ("is_connected", "The main output takes what is sent", self.is_connected),
            ("is_play_wanted", "What was last asked for: 1 play, 0 pause", self.wanted),
        ];
        for (name, help, holds) in flags {
            ours.register(name, help, whole(u64::from(holds)));
        }
        let outputs = Family::<Label, Whole>::default();
        for output in &self.outputs {
            let connected = outputs.get_or_create_owned(&[("output", output.name.clone())]);
            connected.set(i64::from(output.connected));
        }
        ours.register("output_connected", "The output takes what is sent", outputs);
        if let Some(age) = self.frame_age {
            let help = "How long ago the newest frame came out of the station";
            let gauge = Real::default();
            gauge.set(age.as_secs_f64());
            ours.register_with_unit("last_frame_age", help, Unit::Seconds, gauge);
        }
        let help = "Frames that have come out of the station, silence among them";
        ours.register("frames", help, counter(self.frames));
        let help = "Bytes of those frames";
        ours.register_with_unit("frames", help, Unit::Bytes, counter(self.frame_bytes));
        ours.register("queue_length", "Songs in the queue", whole(self.queue_length));
        if let Some(played) = self.played {
            let help = "Songs that were played to their end, in all runs";
            ours.register("songs_played", help, counter(played));
        }
    }

    fn add_server(&self, ours: &mut Registry) {
        let server = &self.server;
        let totals = [
            ("listeners_accepted", "Listeners that were let in", server.accepted),
            ("listeners_refused", "Listeners refused because there were too many", server.refused),
            (
                "listeners_moved_forward",
                "Times that a slow listener was moved forward",
                server.moved_forward,
            ),
            (
                "listeners_dropped_slow",
                "Listeners dropped because they took nothing or too little",
                server.dropped_slow,
            ),
        ];
        for (name, help, total) in totals {
            ours.register(name, help, counter(total));
        }
        let help = "Bytes that listeners of all mounts took";
        ours.register_with_unit("listeners_sent", help, Unit::Bytes, counter(server.bytes_sent));
        let help = "Listeners that may be there at once";
        ours.register("listeners_max", help, whole(server.max_listeners as u64));
        let sources = server.mounts.iter().filter(|mount| mount.has_source).count();
        let help = "Source clients that are connected";
        ours.register("sources", help, whole(sources as u64));
        let flush = Real::default();
        flush.set(Duration::from_millis(server.flush_ms).as_secs_f64());
        let help = "From one flush of a listener to the next";
        ours.register_with_unit("flush_interval", help, Unit::Seconds, flush);
        let help = "How much of the past is kept for listeners, each mount";
        ours.register_with_unit("ring_size", help, Unit::Bytes, whole(server.ring_bytes as u64));
    }
}

/// A figure of a mount.
type OfMount<T> = fn(&MountFigures) -> T;

fn add_mounts(ours: &mut Registry, mounts: &[MountFigures]) {
    let gauges: [(&str, &str, OfMount<usize>); 3] = [
        ("mount_listeners", "Who listens now", |mount| mount.listeners),
        ("mount_listeners_peak", "The most that listened at once", |mount| mount.peak),
        ("mount_source_connected", "A source client feeds the mount", |mount| {
            usize::from(mount.has_source)
        }),
    ];
    for (name, help, value) in gauges {
        let family = Family::<Label, Whole>::default();
        for mount in mounts {
            let gauge = family.get_or_create_owned(&[("mount", mount.name.clone())]);
            gauge.set(signed(value(mount) as u64));
        }
        ours.register(name, help, family);
    }
    let counters: [(&str, &str, OfMount<u64>); 2] = [
        ("mount_sent", "Bytes that the mount's listeners took", |mount| mount.bytes_sent),
        ("mount_received", "Bytes that the mount's sources sent", |mount| mount.bytes_read),
    ];
    for (name, help, value) in counters {
        let family = Family::<Label, Counter>::default();
        for mount in mounts {
            let counter = family.get_or_create_owned(&[("mount", mount.name.clone())]);
            counter.inc_by(value(mount));
        }
        ours.register_with_unit(name, help, Unit::Bytes, family);
    }
    let slow = Family::<Label, Counter>::default();
    for mount in mounts {
        let dropped = slow.get_or_create_owned(&[("mount", mount.name.clone())]);
        dropped.inc_by(mount.slow as u64);
    }
    let help = "Listeners of the mount dropped because they took nothing or too little";
    ours.register("mount_listeners_dropped_slow", help, slow);
}

/// A figure of a sink.
type OfSink = fn(&SinkState) -> u64;

fn add_monitor(ours: &mut Registry, monitor: &MonitorState) {
    let open = Family::<Label, Whole>::default();
    for sink in &monitor.sinks {
        let gauge = open.get_or_create_owned(&[("sink", sink.name.clone())]);
        gauge.set(i64::from(sink.is_open));
    }
    ours.register("monitor_sink_open", "The sink of the monitor takes sound", open);
    let counters: [(&str, &str, OfSink); 4] = [
        ("monitor_underruns", "Times that the sink had nothing to play", |sink| sink.underruns),
        ("monitor_dropped", "Moments of sound that the sink did not take in time", |sink| {
            sink.dropped
        }),
        ("monitor_slipped", "Moments left out or doubled because of its clock", |sink| {
            sink.slipped
        }),
        ("monitor_faults", "Times that it was lost or could not be opened", |sink| sink.faults),
    ];
    for (name, help, value) in counters {
        let family = Family::<Label, Counter>::default();
        for sink in &monitor.sinks {
            let counter = family.get_or_create_owned(&[("sink", sink.name.clone())]);
            counter.inc_by(value(sink));
        }
        ours.register(name, help, family);
    }
    let help = "Frames that the monitor could not decode and played as silence";
    ours.register("monitor_failed_frames", help, counter(monitor.failed_frames));
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn whole(value: u64) -> Whole {
    let gauge = Whole::default();
    gauge.set(signed(value));
    gauge
}

fn counter(value: u64) -> Counter {
    let counter = Counter::default();
    counter.inc_by(value);
    counter
}

/// From OpenMetrics to the older text format: it names counters with their ending in every line, and
/// knows neither units nor an end.
fn to_text_format(open_metrics: &str) -> String {
    let typed = open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let counters: Vec<&str> = typed.filter_map(|line| line.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("UNIT" | "EOF"), ..) => continue,
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.contains(&name) => {
                text.push_str(&format!("# {what} {name}_total {rest}"));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let mount = |name: &str| MountFigures {
            name: name.into(),
            listeners: 3,
            bytes_sent: u64::MAX,
            ..MountFigures::default()
        };
        let mounts = vec![mount("/stream"), mount("/a\"b\\c\nd")];
        Facts {
            server: ServerFigures { accepted: 7, mounts, ..ServerFigures::default() },
            outputs: vec![OutputState { name: "mount".into(), connected: true, reason: None }],
            monitor: MonitorState {
                sinks: vec![SinkState {
                    name: "waveout".into(),
                    underruns: 2,
                    ..SinkState::default()
                }],
                ..MonitorState::default()
            },
            is_playing: true,
            played: Some(12),
            frame_age: Some(Duration::from_millis(250)),
            ..Facts::default()
        }
    }

    #[test]
    fn both_formats_hold_the_same_samples() {
        let open_metrics = facts().encode().unwrap();
        let text = to_text_format(&open_metrics);
        let samples = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(samples(&open_metrics), samples(&text));
        assert!(open_metrics.ends_with("# EOF\n"), "{open_metrics}");
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
        for line in [
            "# TYPE musicdb_stream_listeners_accepted_total counter",
            "musicdb_stream_listeners_accepted_total 7",
            "musicdb_stream_mount_listeners{mount=\"/stream\"} 3",
            "musicdb_stream_output_connected{output=\"mount\"} 1",
            "musicdb_stream_is_playing 1",
            "musicdb_stream_monitor_underruns_total{sink=\"waveout\"} 2",
            "musicdb_stream_monitor_sink_open{sink=\"waveout\"} 0",
            "musicdb_stream_songs_played_total 12",
            "musicdb_stream_last_frame_age_seconds 0.25",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_hostile_name_of_a_mount_stays_inside_its_quotes() {
        let text = to_text_format(&facts().encode().unwrap());
        let hostile = r#"musicdb_stream_mount_listeners{mount="/a\"b\\c\nd"} 3"#;
        assert!(text.lines().any(|line| line == hostile), "{text}");
    }
}
