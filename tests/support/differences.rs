//! What clients tell of a real Icecast and of our own server, and the table of what differs.

#![cfg(unix)]

use std::collections::BTreeMap;

/// What a client told of a server: named, in words.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Facts(pub BTreeMap<String, String>);

impl Facts {
    pub fn note(&mut self, name: &str, value: impl ToString) {
        self.0.insert(name.to_owned(), value.to_string());
    }

    pub fn yes(&mut self, name: &str, value: bool) {
        self.note(name, if value { "yes" } else { "no" });
    }

    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// What is known to differ, and why.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    pub client: &'static str,
    pub fact: &'static str,
    pub icecast: &'static str,
    pub ours: &'static str,
    /// It is not there in every run.
    pub at_times: bool,
    pub reason: &'static str,
}

/// Joins what a client told while the stream was there with how it ended.
pub fn joined([icecast, ours]: [Facts; 2], [icecast_end, ours_end]: [Facts; 2]) -> [Facts; 2] {
    [icecast.with(icecast_end), ours.with(ours_end)]
}

/// Compares what one listening client tells of both servers, and holds ours to what it `must` tell.
pub fn assert_alike(client: &str, facts: &[Facts; 2], must: &[(&str, &str)]) {
    assert_same(client, facts, OF_LISTENERS, must);
}

/// Asserts that a client was told the same by both servers but for what the table has, that the
/// table has nothing for it that is not there, and that it was told what it `must` be by ours.
pub fn assert_same(
    client: &str,
    [icecast, ours]: &[Facts; 2],
    table: &[Difference],
    must: &[(&str, &str)],
) {
    println!("{client}: {} facts", icecast.0.len());
    let mut wrong = Vec::new();
    let names = icecast.0.keys().chain(ours.0.keys().filter(|name| !icecast.0.contains_key(*name)));
    let told = |facts: &Facts, name: &str| {
        facts.0.get(name).map_or_else(|| "nothing".to_owned(), Clone::clone)
    };
    for name in names {
        let (of_icecast, of_ours) = (told(icecast, name), told(ours, name));
        println!("  {name}: {of_icecast}");
        if of_icecast != of_ours {
            println!("  {name}, ours: {of_ours}");
        }
        let row = table.iter().find(|row| row.client == client && row.fact == *name);
        let is_as_known = row.map_or(of_icecast == of_ours, |row| {
            let alike = row.at_times && of_icecast == of_ours;
            row.ours == of_ours && (row.icecast == of_icecast || alike)
        });
        if !is_as_known {
            wrong.push(format!("{name}: Icecast \"{of_icecast}\", ours \"{of_ours}\"; {row:?}"));
        }
    }
    for row in table.iter().filter(|row| row.client == client) {
        if !icecast.0.contains_key(row.fact) && !ours.0.contains_key(row.fact) {
            wrong.push(format!("{}: in the table, and never told", row.fact));
        }
    }
    for (name, value) in must.iter().filter(|(name, value)| told(ours, name) != *value) {
        wrong.push(format!("{name}: ours \"{}\", not \"{value}\"", told(ours, name)));
    }
    assert!(wrong.is_empty(), "{client} is told otherwise:\n  {}", wrong.join("\n  "));
}

/// What one client is told otherwise, by both servers' words, and why. `docs/clients.md` has it too.
pub const OF_LISTENERS: &[Difference] = &[
    Difference {
        client: "curl",
        fact: "HEAD",
        icecast: "400 text/html; charset=utf-8",
        ours: "200 audio/mpeg",
        at_times: false,
        reason: "Icecast 2.4 knows no HEAD; browsers, Sonos and monitors send it",
    },
    Difference {
        client: "curl",
        fact: "OPTIONS",
        icecast: "000 ",
        ours: "204 ",
        at_times: false,
        reason: "Icecast 2.4 closes without an answer; a browser asks so before it asks for titles",
    },
    Difference {
        client: "curl",
        fact: "header access-control-expose-headers",
        icecast: "nothing",
        ours: "there",
        at_times: false,
        reason: "without it a web page cannot read icy-metaint",
    },
    Difference {
        client: "curl",
        fact: "header icy-br",
        icecast: "128, 128",
        ours: "128",
        at_times: false,
        reason: "Icecast 2.4 sends it twice where the source tells the bitrate in two headers",
    },
    Difference {
        client: "curl",
        fact: "/stream.pls",
        icecast: "404 text/html; charset=utf-8",
        ours: "200 audio/x-scpls",
        at_times: false,
        reason: "Icecast 2.4 has no such playlist; many players want one",
    },
    Difference {
        client: "curl",
        fact: "/stream.mp3",
        icecast: "404 text/html; charset=utf-8",
        ours: "200 audio/mpeg",
        at_times: false,
        reason: "a second name of the mount, for devices that want an extension",
    },
    Difference {
        client: "curl",
        fact: "begins with a frame",
        icecast: "no",
        ours: "yes",
        at_times: true,
        reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
    },
    Difference {
        client: "ffmpeg",
        fact: "skips junk",
        icecast: "yes",
        ours: "no",
        at_times: true,
        reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
    },
    Difference {
        client: "mpg123",
        fact: "complains",
        icecast: "yes",
        ours: "no",
        at_times: true,
        reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
    },
    Difference {
        client: "vlc",
        fact: "bitrate",
        icecast: "128, 128",
        ours: "128",
        at_times: false,
        reason: "Icecast 2.4 sends it twice where the source tells the bitrate in two headers",
    },
    Difference {
        client: "chromium",
        fact: "fetch with titles",
        icecast: "TypeError",
        ours: "200 audio/mpeg, icy-metaint 16000",
        at_times: false,
        reason: "Icecast 2.4 does not answer the OPTIONS that the browser sends before",
    },
];

/// What our server knows from the frames of a source, and Icecast only from the source's own words.
const fn measured(client: &'static str, fact: &'static str, ours: &'static str) -> Difference {
    let reason = "Icecast knows only what a source says of its sound; ours measures its frames";
    Difference { client, fact, icecast: "nothing", ours, at_times: false, reason }
}

const fn measured_by_all(client: &'static str) -> [Difference; 4] {
    [
        measured(client, "status: bitrate", "128"),
        measured(client, "status: ice-bitrate", "128"),
        measured(client, "status: ice-channels", "2"),
        measured(client, "status: ice-samplerate", "44100"),
    ]
}

/// ffmpeg says nothing of its sound, and asks for titles where it sends.
const fn of_ffmpeg(client: &'static str) -> [Difference; 8] {
    let [bitrate, ice_bitrate, ice_channels, ice_samplerate] = measured_by_all(client);
    let told = "ice-samplerate=44100;ice-bitrate=128;ice-channels=2";
    let in_json = "\"ice-samplerate=44100;ice-bitrate=128;ice-channels=2\"";
    [
        bitrate,
        ice_bitrate,
        ice_channels,
        ice_samplerate,
        measured(client, "status: audio_info", in_json),
        measured(client, "listener: ice-audio-info", told),
        measured(client, "listener: icy-br", "128"),
        Difference {
            client,
            fact: "listener: icy-metadata",
            icecast: "1",
            ours: "nothing",
            at_times: false,
            reason: "Icecast hands on every icy- header of the source's request; this one is a question, and no fact of the stream",
        },
    ]
}

const BY_ALL: [[Difference; 4]; 3] =
    [measured_by_all("ezstream"), measured_by_all("liquidsoap"), measured_by_all("mpd as source")];
const BY_FFMPEG: [[Difference; 8]; 2] =
    [of_ffmpeg("ffmpeg as source"), of_ffmpeg("ffmpeg as source, SOURCE")];

const AT_ITS_MOUNT: Difference = Difference {
    client: "mpg123 at ezstream's mount",
    fact: "complains",
    icecast: "yes",
    ours: "no",
    at_times: true,
    reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
};

/// What a source client, or who listens to it, is told otherwise.
pub fn of_sources() -> Vec<Difference> {
    [BY_ALL.as_flattened(), BY_FFMPEG.as_flattened(), &[AT_ITS_MOUNT]].concat()
}
