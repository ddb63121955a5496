//! A home directory of its own, in which the program is run as it is typed.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use assert_cmd::Command;
use tempfile::TempDir;

use super::{
    mp3::{Shape, song},
    served::Served,
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_musicdb-stream");
/// A command that has not ended by then hangs.
const HANGS: Duration = Duration::from_secs(30);

/// Nothing of the real user's is read or written.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With `count` songs in its music folder, read into the library, two of them in the queue.
    pub fn with_songs(count: u32) -> Self {
        let home = Self::new();
        for n in 0..count {
            home.song(format!("Music/song {n}.mp3"), 40 + n);
        }
        home.run("scan").done();
        home.run("queue add 1 1").done();
        home
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path(".local/share/musicdb-stream")
    }

    /// Writes a song of `frames` frames.
    pub fn song(&self, name: impl AsRef<Path>, frames: u32) -> PathBuf {
        self.file(name, &song(Shape::default(), frames))
    }

    pub fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn run(&self, line: &str) -> Outcome {
        self.run_with(line, &[])
    }

    pub fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Outcome {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.end(self.command(PROGRAM).envs(variables.iter().copied()).args(words))
    }

    /// Arguments that have blanks, or are no UTF-8.
    pub fn run_words(&self, words: &[&dyn AsRef<OsStr>]) -> Outcome {
        self.end(self.command(PROGRAM).args(words.iter().map(|word| (*word).as_ref())))
    }

    /// Runs a line of shell, in which `$PROGRAM` is the program.
    pub fn shell(&self, line: &str) -> Outcome {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.end(self.command("sh").env("PATH", path).env("PROGRAM", PROGRAM).args(["-c", line]))
    }

    /// A server on this home's data and music.
    pub fn serve(&self, arguments: &[&str]) -> Served {
        let music = self.path("Music");
        fs::create_dir_all(self.data()).unwrap();
        let music = ["--music", music.to_str().unwrap()];
        Served::start(&self.data(), &[&music, arguments].concat(), &[])
    }

    /// Library and queue as they are now: what nothing that went wrong may change.
    pub fn belongings(&self) -> (String, String) {
        (self.run("songs --limit 1000 --json").done(), self.run("queue list --json").done())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.root()).current_dir(self.root()).timeout(HANGS);
        command
    }

    fn end(&self, command: &mut Command) -> Outcome {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        let code = output.status.code();
        assert!(code.is_some(), "ended by a signal, or hung: {:?}\n{out}\n{err}", output.status);
        assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "{err}");
        Outcome { code: code.unwrap(), out, err }
    }
}

#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// What was printed by a command that did what it was asked for, and said nothing else.
    pub fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    /// The one line of a command that ended with this code.
    pub fn line(self, code: i32) -> String {
        assert_eq!((self.code, self.err.lines().count()), (code, 1), "{self:?}");
        let line = self.err.strip_prefix("musicdb-stream: ").unwrap();
        // What `{:?}` makes of an error: Os { code: 2, kind: NotFound, .. }.
        assert!(!line.contains(" { ") && !line.contains("Error("), "{line}");
        line.trim_end().to_owned()
    }
}
