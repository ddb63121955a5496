//! `monitor`: raw PCM from the network, from a file and from a stream, to a sink.

#![cfg(unix)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
};

use crate::support::{
    home::{Home, PROGRAM},
    monitored::{Monitor, noise, recorded},
    radio::{PATIENCE, wait_until},
    served::Served,
};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo");

#[test]
fn what_one_client_after_the_other_sends_is_played_whole() {
    let home = Home::new();
    let wav = home.path("played.wav");
    let monitor = Monitor::start(&format!("wav:{}", wav.display()), &[]);
    let sound = noise(100_000);
    for half in sound.chunks(sound.len() / 2) {
        let mut client = TcpStream::connect(monitor.address).unwrap();
        client.write_all(half).unwrap();
        drop(client);
        let wanted = recorded(&wav).len() + half.len();
        wait_until("it is played", || recorded(&wav).len() >= wanted);
    }
    assert_eq!(monitor.interrupt(), format!("0:02 played at wav:{}; 0 underruns", wav.display()));
    assert!(recorded(&wav) == sound, "the recording differs");
}

#[test]
fn a_second_client_is_refused_or_takes_over() {
    for replaces in [false, true] {
        let home = Home::new();
        let wav = home.path("played.wav");
        let more: &[&str] = if replaces { &["--replace"] } else { &[] };
        let monitor = Monitor::start(&format!("wav:{}", wav.display()), more);
        let (one, other) = (noise(5_000), vec![9; 20_000]);
        let mut first = TcpStream::connect(monitor.address).unwrap();
        first.write_all(&one).unwrap();
        wait_until("the first is played", || recorded(&wav).len() >= one.len());
        let mut second = TcpStream::connect(monitor.address).unwrap();
        let ended = if replaces { &mut first } else { &mut second };
        ended.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(ended.read(&mut [0]).unwrap_or(0), 0, "neither was closed");
        let going_on = if replaces { &mut second } else { &mut first };
        going_on.write_all(&other).unwrap();
        drop((first, second));
        wait_until("the other is played", || recorded(&wav).len() >= one.len() + other.len());
        monitor.interrupt();
        assert!(recorded(&wav) == [one, other].concat());
    }
}

#[test]
fn a_file_of_raw_pcm_is_played_and_one_of_another_kind_is_not() {
    let home = Home::new();
    let sound = noise(50_000);
    home.file("sound.raw", &sound);
    let said = home.run("monitor --sink wav:out.wav sound.raw").done();
    assert_eq!(said, "0:01 played at wav:out.wav; 0 underruns\n");
    assert!(recorded(&home.path("out.wav")) == sound);
    let line = home.run("monitor --sink wav:again.wav out.wav").line(1);
    assert!(line.contains("no raw PCM") && line.contains("s16le"), "{line}");
    let line = home.run("monitor --sink wav:again.wav missing.raw").line(1);
    assert!(line.contains("missing.raw"), "{line}");
    let line = home.run("monitor --sink speaker sound.raw").code;
    assert_eq!(line, 2);
}

#[test]
fn a_stream_is_played_as_any_listener_hears_it() {
    let home = Home::new();
    let served = Served::start(&home.path("data"), &["--music", DEMO, "--play"], &[]);
    wait_until("a song is on the air", || served.state()["is_playing"] == true);
    let wav = home.path("played.wav");
    let url = format!("http://{}/stream", served.address);
    let mut child = Command::new(PROGRAM)
        .args(["monitor", "--sink", &format!("wav:{}", wav.display()), &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("a second is played", || recorded(&wav).len() > 44_100 * 4);
    drop(served);
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success() && said.contains(" played at wav:"), "{said}");
    assert!(recorded(&wav).iter().any(|byte| *byte != 0), "silence alone");
}

#[test]
fn a_second_interrupt_ends_what_is_still_played_at_once() {
    let home = Home::new();
    let sound = home.file("long.raw", &noise(44_100 * 20));
    // It takes what it is given at the pace of a device, and slower.
    let sink = "exec:while dd bs=4096 count=1 of=/dev/null 2>/dev/null && sleep 1; do :; done";
    let mut child = Command::new(PROGRAM)
        .args(["monitor", "--sink", sink, sound.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let interrupt = || Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let begun = std::time::Instant::now();
    // The first ones may come before it listens to them; each but the first ends it.
    while child.try_wait().unwrap().is_none() {
        interrupt();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(begun.elapsed() < PATIENCE, "it does not end");
    }
}
