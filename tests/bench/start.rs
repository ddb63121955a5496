//! From the start of the process to the first byte of sound at a listener.
//!
//! `cargo bench --bench start -- --songs 10000` makes a library of so many small files first.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod figures;
#[path = "../support/mp3.rs"]
#[allow(dead_code, unreachable_pub)]
mod mp3;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use figures::{argument, percentile};

const RUNS: usize = 7;

fn main() {
    let songs: u32 = argument("--songs").map_or(10_000, |text| text.parse().unwrap());
    let home = tempfile::TempDir::new().unwrap();
    let music = home.path().join("music");
    let shape = mp3::Shape::streams().next().unwrap();
    let song = mp3::song(shape, 500);
    for index in 0..songs {
        let album = music.join(format!("album {}", index / 10));
        fs::create_dir_all(&album).unwrap();
        let mut bytes = song.clone();
        bytes.extend_from_slice(&mp3::id3v1());
        fs::write(album.join(format!("{index:06}.mp3")), bytes).unwrap();
    }
    let data = home.path().join("data");
    let began = Instant::now();
    let scanned = program(&data).arg("scan").arg(&music).stdout(Stdio::null()).status().unwrap();
    assert!(scanned.success());
    println!("scan of {songs} new files: {:.2} s", began.elapsed().as_secs_f64());
    let times: Vec<f64> =
        (0..RUNS).map(|_| first_byte(&data, &music).as_secs_f64() * 1e3).collect();
    let at = |percent| percentile(&times, percent);
    println!(
        "start to first byte of sound, {songs} songs: median {:.1} ms ({:.1} to {:.1}, {RUNS} runs)",
        at(50),
        at(0),
        at(100)
    );
}

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_musicdb-stream"));
    command.env_clear().arg("--data").arg(data).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

fn first_byte(data: &Path, music: &Path) -> Duration {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let began = Instant::now();
    let mut served = program(data)
        .args(["serve", "--play", "--listen", &format!("127.0.0.1:{port}"), "--music"])
        .arg(music)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut socket = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(socket) => break socket,
            Err(_) => thread::sleep(Duration::from_micros(500)),
        }
    };
    write!(socket, "GET /stream HTTP/1.0\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|w| w == b"\r\n\r\n") || bytes.ends_with(b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        let got = socket.read(&mut buffer).unwrap();
        assert!(got > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..got]);
    }
    let took = began.elapsed();
    end(&mut served);
    took
}

fn end(served: &mut Child) {
    let _ = Command::new("kill").arg(served.id().to_string()).status();
    served.wait().unwrap();
}
