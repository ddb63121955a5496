//! `/health` of a stream that is dead: its thread is held by a tracer while all others go on.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{home::Home, served::Served};

/// Without a frame for so long a stream is dead.
const DEAD_AFTER: Duration = Duration::from_secs(5);
/// So long the thread is held.
const HELD: Duration = Duration::from_secs(8);
/// For what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tracer, ended when it is dropped: what it holds goes on then.
struct Tracer(Child);

impl Tracer {
    /// Holds one thread in its next wait.
    fn hold(thread: &str, log: &Path) -> Self {
        let inject = format!("inject=futex:delay_enter={}:when=1", HELD.as_micros());
        let child = Command::new("strace")
            .args(["-p", thread, "-e", "trace=futex", "-e", &inject, "-o", "/dev/null"])
            .stdin(Stdio::null())
            .stderr(fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.0.wait();
    }
}

/// The number of the thread of this name.
fn thread_of(served: &Served, name: &str) -> String {
    let tasks = fs::read_dir(format!("/proc/{}/task", served.pid())).unwrap();
    let mut tasks = tasks.map(|task| task.unwrap().path());
    let is_it = |task: &std::path::PathBuf| {
        fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    let task = tasks.find(is_it).expect("there is such a thread");
    task.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Asks until the answer has this status; never may it say that it lives with an old frame, or that
/// it is dead with a new one.
fn wait_for(served: &Served, wanted: u16) -> Value {
    let began = Instant::now();
    loop {
        let asked = Instant::now();
        let (status, health) = served.ask("GET", "/health", "");
        assert!(asked.elapsed() < Duration::from_secs(1), "the answer took {:?}", asked.elapsed());
        let age = health["last_frame_age_ms"].as_u64();
        let is_dead = age.is_none_or(|age| u128::from(age) >= DEAD_AFTER.as_millis());
        assert_eq!(
            (status, health["alive"].as_bool()),
            (if is_dead { 503 } else { 200 }, Some(!is_dead))
        );
        if status == wanted {
            return health;
        }
        assert!(began.elapsed() < PATIENCE, "not {wanted}: {health}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "needs strace"]
fn a_stream_whose_thread_hangs_is_told_dead_and_alive_when_it_goes_on() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--play"]);
    wait_for(&served, 200);
    let log = home.path("strace.log");
    let tracer = Tracer::hold(&thread_of(&served, "station"), &log);
    std::thread::sleep(Duration::from_millis(500));
    let said = fs::read_to_string(&log).unwrap();
    if said.contains("not permitted") {
        eprintln!("left out: the health of a dead stream, as nobody may trace a process here");
        return;
    }
    let held = Instant::now();
    let health = wait_for(&served, 503);
    assert!(held.elapsed() < HELD, "{health}");
    assert!(health["last_frame_age_ms"].as_u64().unwrap() >= 5000, "{health}");
    // Pages and documents are there meanwhile, and so is the stream afterwards.
    assert_eq!(served.ask("GET", "/status-json.xsl", "").0, 200);
    wait_for(&served, 200);
    drop(tracer);
    assert_eq!(served.state()["is_playing"], true);
}
