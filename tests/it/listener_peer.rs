//! Real players on the mount: curl, ffmpeg, mpg123 and mpv.

use std::{
    io::Cursor,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use musicdb_stream::{
    mpeg::FrameSource,
    relay::{FrameKind, Group, Relay},
    server::ServerOptions,
};

use crate::support::{
    radio::{Radio, options},
    shared::shared,
};

/// A pacer: pushes a song's frames when they are due, four at a time, and a title now and then.
struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    /// Plays `song` to `relay`, five seconds of it at once.
    fn start(relay: Relay, song: Vec<u8>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut frames = FrameSource::open(Cursor::new(song)).unwrap();
            let mut due = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
            let mut groups = 0;
            while !stopped.load(Relaxed) {
                let mut group = Group::new();
                if groups % 10 == 0 {
                    group.mark_title(&format!("Ärger - Nummer {groups}'; x"));
                }
                groups += 1;
                while group.len() < 4 {
                    let Some((header, frame)) = frames.next_frame().unwrap() else { return };
                    group.push(header, frame, FrameKind::Song);
                }
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                relay.push(&group, Instant::now());
                due += group.duration().as_duration();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A radio that plays a real song at its own pace, with the times that users have.
fn playing() -> Option<(Radio, Pacer, String)> {
    let song = std::fs::read(shared("music/running_out.mp3")?).unwrap();
    let radio = Radio::start(ServerOptions { flush: Duration::from_millis(250), ..options() });
    let pacer = Pacer::start(radio.relay.clone(), song);
    crate::support::radio::wait_until("music is on the air", || radio.relay.next_frame() > 160);
    let url = format!("http://{}/stream", radio.address);
    Some((radio, pacer, url))
}

/// Runs a player to its end, at most 20 s.
fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new("timeout")
        .args(["--signal=INT", "20", program])
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    output.unwrap()
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    format!("{}\n{out}\n{err}", output.status)
}

fn assert_content(output: &Output) {
    let said = said(output);
    let lower = said.to_lowercase();
    for word in ["error", "invalid", "illegal", "fail", "resync", "warning", "junk", "missing"] {
        assert!(!lower.contains(word), "{word}: {said}");
    }
}

#[test]
#[ignore = "needs curl"]
fn curl_gets_the_head_and_the_music() {
    let Some((_radio, _pacer, url)) = playing() else { return };
    let head = run("curl", &["-sSI", &url]);
    assert!(head.status.success(), "{}", said(&head));
    assert!(said(&head).contains("HTTP/1.0 200 OK"), "{}", said(&head));
    let body = run("curl", &["-sS", "--max-time", "3", "-o", "-", &url]);
    // 28: the time that was allowed is over, which is how a stream ends for curl.
    assert_eq!(body.status.code(), Some(28), "{}", String::from_utf8_lossy(&body.stderr));
    assert_eq!(body.stdout[0], 0xFF);
    let playlist = run("curl", &["-sS", &format!("{url}.m3u")]);
    assert_eq!(String::from_utf8_lossy(&playlist.stdout), format!("{url}\r\n"));
    let upload = ["-sS", "-T", "Cargo.toml", "-u", "source:x", "-w", "%{http_code}", "-o", "-"];
    assert!(said(&run("curl", &[&upload[..], &[&url]].concat())).contains("401"));
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_decodes_it_without_a_word_and_reads_the_title() {
    let Some((_radio, _pacer, url)) = playing() else { return };
    let arguments = ["-v", "warning", "-i", &url, "-t", "6", "-f", "null", "-"];
    let output = run("ffmpeg", &arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert_content(&output);
    let arguments = ["-v", "info", "-i", &url, "-t", "1", "-f", "null", "-"];
    let said = said(&run("ffmpeg", &arguments));
    // ffmpeg shows the title of the first block, if one came before it had seen enough.
    assert!(said.contains("icy-br"), "{said}");
    assert!(!said.contains("StreamTitle") || said.contains("Ärger - Nummer"), "{said}");
}

#[test]
#[ignore = "needs mpg123"]
fn mpg123_plays_it_without_a_word() {
    let Some((_radio, _pacer, url)) = playing() else { return };
    let output = run("mpg123", &["-v", "-t", "-n", "300", &url]);
    assert!(output.status.success(), "{}", said(&output));
    assert_content(&output);
    assert!(said(&output).contains("ICY-META: StreamTitle='Ärger - Nummer"), "{}", said(&output));
}

#[test]
#[ignore = "needs mpv"]
fn mpv_plays_it_without_a_word() {
    let Some((_radio, _pacer, url)) = playing() else { return };
    let output = run("mpv", &["--no-config", "--ao=null", "--no-video", "--length=5", &url]);
    assert!(output.status.success(), "{}", said(&output));
    assert_content(&output);
    assert!(said(&output).contains("Ärger - Nummer"), "{}", said(&output));
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_source_client_without_the_password_is_refused_and_ends() {
    let Some((radio, _pacer, _)) = playing() else { return };
    let target = format!("icecast://source:x@{}/live", radio.address);
    let tone = ["-f", "lavfi", "-i", "sine=d=1", "-f", "mp3"];
    let output = run("ffmpeg", &[&["-v", "error"][..], &tone, &[&target]].concat());
    assert!(!output.status.success());
    assert!(said(&output).contains("401"), "{}", said(&output));
}
