//! One station that a real Icecast and our own server send at the same time.

#![cfg(unix)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    encoded::sound,
    home::PROGRAM,
    players::PATIENCE,
    served::Served,
    tools::{Icecast, SOURCE_PASSWORD},
};

/// The songs' artists and titles: what a client shows must be one of them.
pub const SONGS: [(&str, &str); 5] = [
    ("Ärger", "Grün"),
    ("Don't", "Stop"),
    ("音楽", "さくら"),
    ("Alpha", "Beta"),
    ("Käse", "Brot; weiß"),
];
/// Hz of the songs, stereo.
const RATE: u32 = 44_100;
/// How often each song stands in the queue at first: for two minutes.
const ROUNDS: usize = 6;
/// What a station of these songs is told.
const TABLES: &str = "[stream]\nname = \"Käse & Co\"\ndescription = \"two servers, one stream\"\n\
     genre = \"Test\"\nurl = \"http://radio.example/\"\nstart = \"playing\"\n\
     [randy]\nmin_song_length = 0\n";

/// The title of a song as the station tells it.
pub fn titles() -> Vec<String> {
    SONGS.iter().map(|(artist, title)| format!("{artist} - {title}")).collect()
}

/// What stands in `text` of the songs' titles; "a song's title" or what else is there.
pub fn known(text: &str) -> String {
    if titles().iter().any(|title| title == text) {
        return "a song's title".to_owned();
    }
    format!("unknown: {text}")
}

/// A music folder with the songs, four seconds each, encoded by LAME; and whatever else a test keeps.
pub struct Shelf {
    pub folder: TempDir,
}

impl Shelf {
    pub fn new() -> Self {
        let shelf = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(shelf.music()).unwrap();
        let pcm = sound(RATE);
        // 4 bytes a moment: two channels of 16 bits.
        let len = pcm.len() / SONGS.len() / 4 * 4;
        for (n, ((artist, title), pcm)) in SONGS.iter().zip(pcm.chunks(len)).enumerate() {
            let raw = shelf.folder.path().join("pcm");
            fs::write(&raw, pcm).unwrap();
            let tags = ["--id3v2-only", "--id3v2-utf16", "--ta", artist, "--tt", title];
            let output = Command::new("lame")
                .args(["--silent", "-r", "-s", "44.1", "-b", "128"])
                .args(tags)
                .arg(&raw)
                .arg(shelf.music().join(format!("{n}.mp3")))
                .env("LC_ALL", "C.UTF-8")
                .output()
                .unwrap();
            assert!(output.status.success(), "lame: {}", String::from_utf8_lossy(&output.stderr));
        }
        shelf
    }

    pub fn music(&self) -> PathBuf {
        self.folder.path().join("music")
    }

    /// The songs' files.
    pub fn files(&self) -> Vec<PathBuf> {
        (0..SONGS.len()).map(|n| self.music().join(format!("{n}.mp3"))).collect()
    }

    /// Starts a station on these songs, with these tables in its configuration too. At its first
    /// start the songs are in the queue, one behind the other: the same one never comes twice.
    pub fn serve(&self, listen: &str, tables: &str) -> Served {
        let config = self.folder.path().join("station.toml");
        fs::write(&config, format!("{TABLES}{tables}")).unwrap();
        let (music, data) = (self.music(), self.folder.path().join("data"));
        let global = ["--config", config.to_str().unwrap()];
        if !data.exists() {
            let data = ["--data", data.to_str().unwrap()];
            let ids = ["1", "2", "3", "4", "5"].repeat(ROUNDS);
            for words in
                [&["scan", music.to_str().unwrap()][..], &[&["queue", "add"], &ids[..]].concat()]
            {
                let mut command = Command::new(PROGRAM);
                let output = command.args(data).args(global).args(words).env_clear().output();
                assert!(output.unwrap().status.success(), "{words:?}");
            }
        }
        let arguments = ["--play", "--music", music.to_str().unwrap()];
        Served::listening(listen, &data, &arguments, &global)
    }
}

/// Waits until a station plays and whatever it sends to has taken it.
pub fn wait_playing(served: &Served) {
    served.wait_for(PATIENCE, |state| state["is_playing"] == true && state["is_connected"] == true);
    // A burst's worth of songs, so that no client begins with the silence before them.
    served.wait_for(PATIENCE, |state| state["uptime_seconds"].as_f64().unwrap_or(0.0) > 5.0);
}

/// The table that sends a station to this Icecast.
pub fn to_icecast(icecast: &Icecast) -> String {
    let port = icecast.address.port();
    format!(
        "[icecast]\nenabled = true\nhost = \"127.0.0.1\"\nport = {port}\npassword = \"{SOURCE_PASSWORD}\"\n"
    )
}

/// One station on two servers.
pub struct Broadcast {
    _icecast: Icecast,
    pub shelf: Shelf,
    served: Option<Served>,
    /// `host:port` of the real Icecast and of our own server.
    pub hosts: [String; 2],
}

/// What Debian's icecast.xml has, and the tests' own configuration has not.
const AS_SHIPPED: &str =
    "<http-headers><header name=\"Access-Control-Allow-Origin\" value=\"*\" /></http-headers>";

impl Broadcast {
    pub fn start() -> Self {
        let (shelf, mut icecast) = (Shelf::new(), Icecast::with(AS_SHIPPED));
        // Who connects before the first frame cannot tell its bitrate: Icecast comes second.
        icecast.kill();
        let served = shelf.serve("127.0.0.1:0", &to_icecast(&icecast));
        wait_until("the station has a first frame", || served.ask("GET", "/health", "").0 == 200);
        icecast.start_again();
        wait_until("the Icecast takes the stream", || {
            // 2.4.4 may still crash by its own fault with its first source.
            if icecast.has_crashed() {
                println!("icecast2 crashed by its own fault, and was started once more");
                icecast.start_again();
            }
            served.state()["is_connected"] == true
        });
        wait_playing(&served);
        let hosts = [icecast.address.to_string(), served.address.to_string()];
        Self { _icecast: icecast, shelf, served: Some(served), hosts }
    }

    /// Lets a client look at both at the same time; it is given `host:port`.
    pub fn both<T: Send>(&self, look: impl Fn(&str) -> T + Sync) -> [T; 2] {
        thread::scope(|scope| {
            let looks = self.hosts.each_ref().map(|host| scope.spawn(|| look(host)));
            looks.map(|look| look.join().unwrap())
        })
    }

    /// The station ends, and with it both streams; the Icecast stays.
    pub fn end(&mut self) {
        if let Some(served) = self.served.take() {
            served.terminate();
        }
    }
}

/// Seconds of sound in a WAV file of 16-bit stereo at the songs' rate.
#[expect(clippy::cast_precision_loss, reason = "a file of some seconds")]
pub fn wav_seconds(path: &Path) -> f64 {
    let len = fs::metadata(path).map_or(0, |metadata| metadata.len());
    len.saturating_sub(44) as f64 / f64::from(RATE * 4)
}

/// Waits until `done`, for what has no other way to be waited for.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
