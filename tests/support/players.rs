//! Real players, each in a home of its own, ended with all that it started when it is dropped.

#![cfg(unix)]

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::{net::UnixStream, process::CommandExt},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::tools::as_nobody;

/// How long a player may take for what it is asked for: several start at once on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked whether it has come that far.
const LOOK: Duration = Duration::from_millis(50);

/// A running program and what it has said so far, on both of its outputs.
pub struct Player {
    child: std::process::Child,
    home: TempDir,
}

impl Player {
    /// Starts it in a home of its own. Where the test runs as root the player does not: vlc refuses
    /// to, and none needs it.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), program, arguments)
    }

    /// The same in a home in which something lies already.
    pub fn start_in(home: TempDir, program: &str, arguments: &[&str]) -> Self {
        let said = File::create(home.path().join("said")).unwrap();
        let mut command = as_nobody(program, home.path());
        let child = command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            // What it starts is ended with it.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        Self { child, home }
    }

    /// Runs it to its end: what it said, and its exit code (-1: a signal ended it).
    pub fn run(program: &str, arguments: &[&str]) -> (String, i32) {
        let mut player = Self::start(program, arguments);
        let code = player.wait();
        (player.said(), code)
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// What it has said until now; a line that was written over counts as a line of its own.
    pub fn said(&self) -> String {
        let said = fs::read(self.home.path().join("said")).unwrap_or_default();
        String::from_utf8_lossy(&said).replace('\r', "\n")
    }

    /// Waits until it ends by itself: its exit code.
    pub fn wait(&mut self) -> i32 {
        self.wait_for(PATIENCE).unwrap_or_else(|| panic!("it does not end: {}", self.said()))
    }

    /// The same for at most this long; nothing where it still runs.
    pub fn wait_for(&mut self, patience: Duration) -> Option<i32> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(end) = self.child.try_wait().unwrap() {
                return Some(end.code().unwrap_or(-1));
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Asks it to end as Ctrl-C does, and waits until it has.
    pub fn interrupt(&mut self) -> i32 {
        self.signal(Signal::INT);
        self.wait()
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // The child is not reaped before: its id is still its own.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// A music player daemon; mostly it plays into nothing.
pub struct Mpd {
    pub player: Player,
}

impl Mpd {
    pub fn start() -> Self {
        let nowhere = "audio_output {\n type \"null\"\n name \"nowhere\"\n}\n";
        Self::with(tempfile::tempdir().unwrap(), nowhere)
    }

    /// One with these lines in its configuration.
    pub fn with(home: TempDir, lines: &str) -> Self {
        let path = home.path().display();
        let text = format!(
            "bind_to_address \"{path}/socket\"\nlog_file \"{path}/log\"\n\
             db_file \"{path}/database\"\nzeroconf_enabled \"no\"\n{lines}"
        );
        fs::write(home.path().join("mpd.conf"), text).unwrap();
        let player = Player::start_in(home, "mpd", &["--no-daemon", "mpd.conf"]);
        let mpd = Self { player };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(mpd.player.home().join("socket")).is_err() {
            assert!(Instant::now() < deadline, "mpd does not accept: {}", mpd.player.said());
            std::thread::sleep(LOOK);
        }
        mpd
    }

    /// What it answers to these commands, as lines `key: value`.
    pub fn ask(&self, commands: &str) -> Vec<(String, String)> {
        let mut socket = UnixStream::connect(self.player.home().join("socket")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.write_all(format!("{commands}\nclose\n").as_bytes()).unwrap();
        let lines = BufReader::new(socket).lines().map_while(Result::ok);
        let pairs = lines.filter_map(|line| {
            let (key, value) = line.split_once(": ")?;
            Some((key.to_owned(), value.to_owned()))
        });
        pairs.collect()
    }

    /// One value of `status` and `currentsong`.
    pub fn value(&self, key: &str) -> Option<String> {
        let pairs = self.ask("status\ncurrentsong");
        pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Waits until that value is as wanted.
    pub fn wait_value(&self, key: &str, wanted: impl Fn(Option<&str>) -> bool) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.value(key);
            if wanted(value.as_deref()) {
                return value;
            }
            let log = fs::read_to_string(self.player.home().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "mpd: {key} stays {value:?}: {log}");
            std::thread::sleep(LOOK);
        }
    }
}

/// Lines of `said` with one of these words in them, in any case.
pub fn lines_with<'a>(said: &'a str, words: &[&str]) -> Vec<&'a str> {
    let complains = |line: &&str| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    };
    said.lines().filter(complains).collect()
}

/// What stands behind `opening` in the first line that has it.
pub fn behind<'a>(said: &'a str, opening: &str) -> Option<&'a str> {
    said.lines().find_map(|line| Some(line.split_once(opening)?.1.trim()))
}
