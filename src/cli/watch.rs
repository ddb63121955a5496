//! `watch`: every event of the running server as it comes.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::{
    client::Client,
    layout::{clock, decibels, safe},
    setting::Setting,
    wire::State,
};

/// Flags of `watch`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Print each event as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let server = setting.server()?;
    server.follow(&mut |data| {
        let event: Value = serde_json::from_str(data)?;
        if options.json {
            writeln!(screen, "{event}")?;
        } else {
            writeln!(screen, "{}", line(&event, || playing(&server)))?;
        }
        // Whoever reads a pipe wants the event now.
        Ok(screen.flush()?)
    })
}

/// What plays now, in words.
fn playing(server: &Client) -> Option<String> {
    let state: State = serde_json::from_value(server.state().ok()?).ok()?;
    Some(safe(&state.song?.name()))
}

/// One event in words; `playing` is asked only where the event names no song by its name.
fn line(event: &Value, playing: impl FnOnce() -> Option<String>) -> String {
    let yes = |key: &str| event[key].as_bool() == Some(true);
    let name = event["event"].as_str().unwrap_or("reset");
    let words = match name {
        "StatusChanged" => {
            let connected = if yes("is_connected") { "connected" } else { "not connected" };
            let playing = if yes("is_playing") { "playing" } else { "not playing" };
            format!("{connected}, {playing}")
        }
        "TimeChanged" => clock(event["seconds"].as_f64().unwrap_or_default()),
        "SongChanged" => playing().unwrap_or_else(|| "nothing plays".to_owned()),
        "SongQueueChanged" => format!("revision {}", event["revision"]),
        "SongUnplayable" => {
            let reason = event["reason"].as_str().unwrap_or_default();
            format!("song {}: {}", event["song_id"], safe(reason))
        }
        "LevelChanged" => {
            let peaks = event["level"]["peak"].as_array().into_iter().flatten();
            let decibels: Vec<_> =
                peaks.map(|peak| decibels(peak.as_f64().unwrap_or(0.0))).collect();
            format!("peak {}", decibels.join(" and "))
        }
        "FormatChanged" => {
            let sides = if event["channels"] == 1 { "mono" } else { "stereo" };
            format!("the stream is now {} Hz {sides}", event["sample_rate"])
        }
        "LibraryChanged" => format!("{} songs", event["songs"]),
        "Lagged" => format!("{} events were missed", event["missed"]),
        "reset" => "the server was started anew".to_owned(),
        _ => safe(&event.to_string()),
    };
    format!("{:<17}{}", safe(name), safe(&words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Event,
        ids::{EntryId, SongId},
        status::Level,
    };

    #[test]
    fn every_event_has_its_words() {
        let shown =
            |event: &Event| line(&serde_json::to_value(event).unwrap(), || Some("A – B".into()));
        let status = Event::StatusChanged { is_connected: true, is_playing: false };
        assert_eq!(shown(&status), "StatusChanged    connected, not playing");
        assert_eq!(shown(&Event::TimeChanged { seconds: 61.2 }), "TimeChanged      1:01");
        let level = Level { peak: [0.5, 0.0], rms: [0.1, 0.0] };
        let shown_level = shown(&Event::LevelChanged { level });
        assert_eq!(shown_level, "LevelChanged     peak -6.0 dB and silence");
        let song = Event::SongChanged { entry_id: Some(EntryId(1)), song_id: Some(SongId(2)) };
        assert_eq!(shown(&song), "SongChanged      A – B");
        assert_eq!(shown(&Event::SongQueueChanged { revision: 4 }), "SongQueueChanged revision 4");
        let bad = Event::SongUnplayable {
            entry_id: EntryId(1),
            song_id: SongId(2),
            reason: "gone".into(),
        };
        assert_eq!(shown(&bad), "SongUnplayable   song 2: gone");
        let format =
            Event::FormatChanged { version: "MPEG-1".into(), sample_rate: 48_000, channels: 1 };
        assert_eq!(shown(&format), "FormatChanged    the stream is now 48000 Hz mono");
        assert_eq!(shown(&Event::LibraryChanged { songs: 5 }), "LibraryChanged   5 songs");
        assert_eq!(shown(&Event::Lagged { missed: 3 }), "Lagged           3 events were missed");
    }
}
