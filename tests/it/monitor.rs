//! The monitor of a playing station: what its sinks get is what a listener's decoder makes of the bytes
//! that it got, sample for sample; and no sink delays the stream, whatever becomes of it.

#![cfg(unix)]

use std::{
    fs,
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::atomic::Ordering::Relaxed,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    home::Home,
    monitored::{Listener, tour},
    radio::{PATIENCE, wait_until},
    served::Served,
};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo");
/// Bytes of one moment of sound.
const FRAME: usize = 4;
/// A decoder that begins in the middle has the memory of its filter bank after two frames.
const WARM: usize = 2 * 1152 * FRAME;
/// The header of our WAV files.
const HEADER: usize = 80;

/// A peer that keeps all that it gets from each connection.
fn collector() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    let collecting = thread::spawn(move || {
        let mut all = Vec::new();
        port.accept().unwrap().0.read_to_end(&mut all).unwrap();
        all
    });
    (address, collecting)
}

fn serve(home: &Home, sinks: &[String]) -> Served {
    let config = home.file("config.toml", format!("[monitor]\nsinks = {sinks:?}\n").as_bytes());
    let global = ["--config", config.to_str().unwrap()];
    let served = Served::start(&home.path("data"), &["--music", DEMO, "--play"], &global);
    wait_until("a song is on the air", || served.state()["is_playing"] == true);
    served
}

fn sinks(served: &Served) -> Vec<Value> {
    served.ask("GET", "/api/v1/monitor", "").1["sinks"].as_array().unwrap().clone()
}

/// `captured` holds what the listener heard, from where it came to its end; how many moments.
fn assert_same(name: &str, captured: &[u8], heard: &[u8]) -> usize {
    let warm = &heard[WARM..];
    // Silence would be found anywhere.
    let loud =
        warm.chunks(FRAME).position(|frame| frame.iter().any(|byte| *byte > 1)).unwrap() * FRAME;
    let key = &warm[loud..loud + 64 * FRAME];
    let found = captured.windows(key.len()).position(|window| window == key);
    let at = found.unwrap_or_else(|| panic!("{name}: what the listener heard is not there"));
    assert!(at.is_multiple_of(FRAME), "{name}: the channels have changed places");
    let start = at - loud;
    let same = captured[start..].iter().zip(warm).take_while(|(one, other)| one == other).count();
    assert_eq!(
        same,
        warm.len(),
        "{name}: differs after {} of {} moments",
        same / FRAME,
        warm.len() / FRAME
    );
    start + warm.len()
}

#[test]
fn every_sink_gets_what_a_listeners_decoder_makes_of_its_bytes() {
    let home = Home::new();
    let (peer, collected) = collector();
    let (wav, raw) = (home.path("radio.wav"), home.path("radio.raw"));
    let places = [
        format!("wav:{}", wav.display()),
        format!("exec:cat > {}", raw.display()),
        format!("tcp:{peer}"),
    ];
    let served = serve(&home, &places);
    let listener = Listener::start(served.address);
    tour(&served, &listener);
    let told = sinks(&served);
    let names: Vec<_> = told.iter().map(|sink| sink["name"].as_str().unwrap()).collect();
    assert_eq!(names, [&places[0], "exec:cat", &places[2]]);
    for sink in &told {
        assert!(
            sink["is_open"] == true && sink["underruns"] == 0 && sink["dropped"] == 0,
            "{sink}"
        );
    }
    let (took, status) = served.terminate();
    assert!(status.success() && took < Duration::from_secs(1), "{took:?}");
    let heard = listener.end(home.root());
    assert!(heard.len() > 4 * 44_100 * FRAME, "{} bytes", heard.len());
    let file = fs::read(&wav).unwrap();
    let told = u32::from_le_bytes(*file[76..].first_chunk().unwrap()) as usize;
    assert_eq!(told, file.len() - HEADER, "the header tells of all that is there");
    assert_eq!(assert_same("wav", &file[HEADER..], &heard), told);
    let piped = fs::read(&raw).unwrap();
    assert_eq!(assert_same("exec", &piped, &heard), piped.len());
    let sent = collected.join().unwrap();
    // And a tenth of a second of silence at the end.
    assert_eq!(assert_same("tcp", &sent, &heard) + 4410 * FRAME, sent.len());
}

#[test]
fn sinks_that_fail_hang_or_are_not_there_are_told_and_delay_nothing() {
    let home = Home::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = nobody.local_addr().unwrap();
    drop(nobody);
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let wav = home.file("song.wav", b"somebody else's");
    let places = [
        format!("tcp:{closed}"),
        format!("tcp:{}", deaf.local_addr().unwrap()),
        format!("wav:{}", wav.display()),
        "exec:exit 3".to_owned(),
        "exec:sleep 1000".to_owned(),
    ];
    let served = serve(&home, &places);
    let listener = Listener::start(served.address);
    // A command that ends at once is open for a moment, again and again.
    let mut told = Vec::new();
    wait_until("each that cannot play says so", || {
        told = sinks(&served);
        [0, 2, 3].iter().all(|at| told[*at]["reason"].is_string())
    });
    assert!(
        told[2]["reason"].as_str().unwrap().contains("no recording of this program"),
        "{}",
        told[2]
    );
    assert!(told[3]["reason"].as_str().unwrap().contains("exit status: 3"), "{}", told[3]);
    wait_until("a command and a peer that hang are given up", || {
        told = sinks(&served);
        [1, 4].iter().all(|at| told[*at]["faults"].as_u64().unwrap() > 0)
    });
    // The stream goes on at its pace beside all that: 8,000 bytes a second.
    let before = (Instant::now(), listener.heard.load(Relaxed));
    listener.hear(16_000);
    let rate = (listener.heard.load(Relaxed) - before.1) as f64 / before.0.elapsed().as_secs_f64();
    assert!((5_000.0..14_000.0).contains(&rate), "{rate} bytes a second");
    let text = home.run("--data data status").done();
    assert_eq!(text.lines().filter(|line| line.starts_with("monitor ")).count(), 5, "{text}");
    let (took, status) = served.terminate();
    assert!(status.success() && took < Duration::from_secs(1), "{took:?}");
    assert_eq!(fs::read(wav).unwrap(), b"somebody else's");
    let _ = listener.thread.join();
}

#[test]
fn a_peer_that_comes_late_or_again_is_played_to_from_that_moment() {
    let home = Home::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    let served = serve(&home, &[format!("tcp:{address}")]);
    for round in 0..2 {
        let (mut peer, _) = port.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut sound = vec![0; 44_100 * FRAME];
        peer.read_exact(&mut sound).unwrap();
        assert!(sound.iter().any(|byte| *byte != 0), "round {round}: silence alone");
        drop(peer);
    }
    wait_until("the losses are counted", || sinks(&served)[0]["faults"].as_u64().unwrap() >= 1);
}

#[test]
fn a_muted_monitor_plays_silence_and_listeners_hear_on() {
    let home = Home::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let served = serve(&home, &[format!("tcp:{}", port.local_addr().unwrap())]);
    let (mut peer, _) = port.accept().unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut second = || {
        let mut sound = vec![0; 44_100 * FRAME];
        peer.read_exact(&mut sound).unwrap();
        sound.iter().any(|byte| *byte != 0)
    };
    assert!(second());
    let (status, state) = served.ask("POST", "/api/v1/monitor", "{\"muted\":true}");
    assert_eq!((status, &state["is_muted"]), (200, &Value::Bool(true)));
    // What was under way before is heard for a moment.
    assert!((0..5).any(|_| !second()), "it is not muted");
    let level = &served.state()["monitor"]["level"]["rms"];
    assert!(level[0].as_f64().unwrap() > 0.0, "the level is what goes out: {level}");
    served.ask("POST", "/api/v1/monitor", "{\"muted\":false}");
    assert!((0..5).any(|_| second()), "it stays muted");
    let (status, _) = served.ask("POST", "/api/v1/monitor", "{\"mute\":true}");
    assert_eq!(status, 422);
}

#[test]
fn a_place_that_there_is_not_is_refused_before_anything_starts() {
    let home = Home::new();
    for (sinks, words) in [
        ("[\"pulse\"]", "tcp:HOST:PORT"),
        ("[\"wav:a.wav\", \"wav:a.wav\"]", "twice"),
        ("[\"waveout\"]", "exec:aplay"),
    ] {
        home.file("bad.toml", format!("[monitor]\nsinks = {sinks}\n").as_bytes());
        let line = home.run("--config bad.toml serve --demo --listen 127.0.0.1:0").line(2);
        assert!(line.contains(words), "{line}");
    }
}
