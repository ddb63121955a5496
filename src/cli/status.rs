//! `status`: what the running server does.

use std::{fmt::Write as _, io::Write};

use anyhow::{Context, Result};
use clap::Args;

use super::{
    layout::{clock, json, safe, span},
    setting::Setting,
    wire::State,
};
use crate::status::SinkState;

/// Flags of `status`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print the state as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let server = setting.server()?;
    let state = server.state()?;
    if options.json {
        return json(&state, screen);
    }
    let state = serde_json::from_value(state)
        .with_context(|| format!("{} runs another version; use its own program", server.url()))?;
    Ok(screen.write_all(text(&state, server.url()).as_bytes())?)
}

fn text(state: &State, url: &str) -> String {
    let doing = match (state.is_playing, state.wanted) {
        (true, _) => "playing",
        (false, true) => "waiting",
        (false, false) => "paused",
    };
    let mut text = format!("{doing:<10}");
    match &state.song {
        Some(song) => {
            let (at, of) = (clock(state.position_seconds), clock(song.duration_seconds));
            let _ = writeln!(text, "{}  {at} / {of}", safe(&song.name()));
        }
        None => text.push_str("nothing: the queue is empty\n"),
    }
    let entries = if state.queue_length == 1 { "entry" } else { "entries" };
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{:<10}{}", safe(name), safe(&value));
    };
    line("queue", format!("{} {entries}", state.queue_length));
    line("listen", format!("{url}{}", state.mount));
    line("listeners", state.listeners.to_string());
    for output in &state.outputs {
        let reason = output.reason.as_deref().unwrap_or("not connected");
        let connected = if output.connected { "connected" } else { reason };
        line(&output.name, connected.to_owned());
    }
    for sink in &state.monitor.sinks {
        line("monitor", sink_line(sink, state.monitor.is_muted));
    }
    line("running", format!("for {}", span(state.uptime_seconds)));
    text
}

/// A place where the monitor plays, and what it has had to put up with.
fn sink_line(sink: &SinkState, is_muted: bool) -> String {
    let state = match (&sink.reason, sink.is_open, is_muted) {
        (Some(reason), ..) => reason.clone(),
        (None, false, _) => "waits for sound or its opening".to_owned(),
        (None, true, true) => "muted".to_owned(),
        (None, true, false) => "playing".to_owned(),
    };
    let mut line = format!("{}: {state}", sink.name);
    let seconds = |frames: u64| frames as f64 / 44_100.0;
    if sink.underruns > 0 {
        let _ = write!(line, "; {} underruns", sink.underruns);
    }
    if sink.dropped > 0 {
        let _ = write!(line, "; {:.1} s dropped", seconds(sink.dropped));
    }
    if sink.slipped > 0 {
        let _ = write!(line, "; {:.3} s slipped", seconds(sink.slipped));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::MonitorState;

    fn state() -> State {
        serde_json::from_value(serde_json::json!({
            "is_connected": true, "is_playing": true, "wanted": true,
            "outputs": [
                { "name": "mount", "connected": true, "reason": null },
                { "name": "icecast", "connected": false, "reason": "401: the password is wrong" },
            ],
            "position_seconds": 61.5, "duration_seconds": 185.0,
            "song": { "id": 7, "title": "Blue", "artist": "Ann\u{1b}", "album": "A",
                      "duration_seconds": 185.0, "playable": true },
            "entry_id": "12", "queue_length": 3, "queue_revision": 9, "listeners": 2,
            "mount": "/stream", "uptime_seconds": 200,
        }))
        .unwrap()
    }

    #[test]
    fn a_playing_server_line_by_line() {
        assert_eq!(
            text(&state(), "http://127.0.0.1:8000"),
            "playing   Ann  – Blue  1:01 / 3:05\n\
             queue     3 entries\n\
             listen    http://127.0.0.1:8000/stream\n\
             listeners 2\n\
             mount     connected\n\
             icecast   401: the password is wrong\n\
             running   for 3 min\n"
        );
    }

    #[test]
    fn every_sink_of_the_monitor_has_a_line() {
        let sink = SinkState { name: "waveout".into(), is_open: true, ..SinkState::default() };
        let hurt = SinkState { underruns: 2, dropped: 44_100, slipped: 441, ..sink.clone() };
        let gone = SinkState { is_open: false, reason: Some("no device".into()), ..sink.clone() };
        let sinks = vec![sink, hurt, gone];
        let monitor = MonitorState { sinks, ..MonitorState::default() };
        let text = text(&State { monitor, ..state() }, "http://x");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("monitor")).collect();
        assert_eq!(
            lines,
            [
                "monitor   waveout: playing",
                "monitor   waveout: playing; 2 underruns; 1.0 s dropped; 0.010 s slipped",
                "monitor   waveout: no device",
            ]
        );
    }

    #[test]
    fn an_empty_queue_and_a_wish_that_waits_are_told() {
        let idle = State { song: None, is_playing: false, queue_length: 1, ..state() };
        let text = text(&idle, "http://x");
        assert!(
            text.starts_with("waiting   nothing: the queue is empty\nqueue     1 entry\n"),
            "{text}"
        );
    }
}
