//! One station that a real Icecast and our own server send at the same time, and the facts that a
//! client tells of each.

use std::{
    collections::BTreeMap,
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
/// What the station calls itself.
pub const NAME: &str = "Käse & Co";
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
            for words in [&["scan", music.to_str().unwrap()][..], &[&["queue", "add"], &ids[..]].concat()] {
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
        let (shelf, icecast) = (Shelf::new(), Icecast::with(AS_SHIPPED));
        let served = shelf.serve("127.0.0.1:0", &to_icecast(&icecast));
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

/// Asserts that a client was told the same by both servers but for what the table has, and that the
/// table has nothing for it that is not there.
pub fn assert_same(client: &str, [icecast, ours]: &[Facts; 2], table: &[Difference]) {
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
    assert!(wrong.is_empty(), "{client} is told otherwise:\n  {}", wrong.join("\n  "));
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
