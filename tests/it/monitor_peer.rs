//! The monitor and real programs: those that send raw PCM, and those that take it. Everything is
//! compared byte for byte.

#![cfg(unix)]

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::support::{
    lab::{Lab, PATIENCE, RAW, place, pulse, wait_for_port},
    monitored::{Monitor, recorded},
    players::Mpd,
    radio::wait_until,
    tools::free_address,
};

const SONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo/2-paper-waltz.mp3");

/// What a sender that is told `HOST PORT` makes the receiver play.
fn received(lab: &Lab, send: impl FnOnce(SocketAddr)) -> Vec<u8> {
    let wav = lab.path("played.wav");
    let _ = fs::remove_file(&wav);
    let monitor = Monitor::start(&format!("wav:{}", wav.display()), &[]);
    send(monitor.address);
    let deadline = Instant::now() + PATIENCE;
    while recorded(&wav).len() < lab.sound.len() {
        assert!(Instant::now() < deadline, "{} bytes were played", recorded(&wav).len());
        std::thread::sleep(Duration::from_millis(20));
    }
    monitor.interrupt();
    recorded(&wav)
}

#[test]
#[ignore = "needs nc, sox, ffmpeg"]
fn what_nc_sox_and_ffmpeg_send_is_played_bit_for_bit() {
    let lab = Lab::new();
    for line in [
        "nc -N 127.0.0.1 PORT < in.raw",
        "sox in.wav RAW - | nc -N 127.0.0.1 PORT",
        "ffmpeg -v error -i in.wav -f s16le -ar 44100 -ac 2 tcp://127.0.0.1:PORT",
        "ffmpeg -v error -re -i in.wav -f s16le -ar 44100 -ac 2 tcp://127.0.0.1:PORT",
    ] {
        let heard = received(&lab, |address| {
            lab.shell(&line.replace("PORT", &address.port().to_string()).replace("RAW", RAW));
        });
        assert!(heard == lab.sound, "{line}: {} bytes, and they differ", heard.len());
    }
}

#[test]
#[ignore = "needs mpg123, nc"]
fn what_mpg123_decodes_is_played_bit_for_bit() {
    let mut lab = Lab::new();
    lab.shell(&format!("mpg123 -q -s -r 44100 --stereo -e s16 {SONG} > song.raw"));
    lab.sound = lab.read("song.raw");
    let heard = received(&lab, |address| {
        let port = address.port();
        lab.shell(&format!(
            "mpg123 -q -s -r 44100 --stereo -e s16 {SONG} | nc -N 127.0.0.1 {port}"
        ));
    });
    assert!(heard == lab.sound, "{} bytes of {}", heard.len(), lab.sound.len());
}

#[test]
#[ignore = "needs mpd, nc"]
fn what_mpd_plays_is_played_bit_for_bit() {
    let lab = Lab::new();
    let heard = received(&lab, |address| {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("music")).unwrap();
        fs::copy(lab.path("in.wav"), home.path().join("music/in.wav")).unwrap();
        let music = home.path().join("music");
        let port = address.port();
        let lines = format!(
            "music_directory \"{}\"\naudio_output {{\n type \"pipe\"\n name \"monitor\"\n format \"44100:16:2\"\n command \"nc -N 127.0.0.1 {port}\"\n}}\n",
            music.display()
        );
        let mpd = Mpd::with(home, &lines);
        mpd.ask("update");
        mpd.wait_value("updating_db", |updating| updating.is_none());
        mpd.ask("add in.wav\nplay");
        // It ends its output when it has nothing more to play.
        mpd.wait_value("state", |state| state == Some("stop"));
    });
    assert!(heard == lab.sound, "{} bytes of {}", heard.len(), lab.sound.len());
}

#[test]
#[ignore = "needs ffmpeg, sox, nc, aplay"]
fn ffmpeg_sox_and_aplay_take_what_the_tcp_sink_sends_bit_for_bit() {
    let lab = Lab::new();
    for (line, made) in [
        (
            "ffmpeg -v error -y -f s16le -ar 44100 -ac 2 -i 'tcp://127.0.0.1:PORT?listen=1' -f s16le ffmpeg.raw",
            "ffmpeg.raw",
        ),
        ("nc -l 127.0.0.1 PORT | sox RAW - RAW sox.raw", "sox.raw"),
        ("nc -l 127.0.0.1 PORT | aplay -q -t raw -f cd -", "out.raw"),
    ] {
        let address = free_address();
        let _peer =
            lab.start(&line.replace("PORT", &address.port().to_string()).replace("RAW", RAW));
        wait_for_port(address);
        lab.play_to(&format!("tcp:{address}"));
        assert_eq!(lab.wait_for_sound(made), 0, "{line}");
    }
}

#[test]
#[ignore = "needs aplay"]
fn aplay_as_a_command_plays_every_frame() {
    let lab = Lab::new();
    lab.play_to("exec:aplay -q -t raw -f cd -");
    assert_eq!(lab.wait_for_sound("out.raw"), 0);
}

#[test]
#[ignore = "needs snapserver, snapclient"]
fn snapserver_takes_what_the_tcp_sink_sends() {
    let lab = Lab::new();
    // The last piece of its player, which is shorter than its own 50 ms, it does not play.
    let (address, control, stream) = (free_address(), free_address(), free_address());
    let source = format!(
        "tcp://127.0.0.1:{}?name=radio&mode=server&sampleformat=44100:16:2&codec=pcm",
        address.port()
    );
    let conf = format!(
        "[server]\ndatadir = {0}\n[http]\nenabled = false\n[tcp]\nenabled = true\nbind_to_address = 127.0.0.1\nport = {1}\n[stream]\nbind_to_address = 127.0.0.1\nport = {2}\nsource = {source}\n",
        lab.folder.path().display(),
        control.port(),
        stream.port()
    );
    fs::write(lab.path("snapserver.conf"), conf).unwrap();
    let _server = lab.start("exec snapserver -c snapserver.conf");
    wait_for_port(address);
    wait_for_port(stream);
    let _client = lab.start(&format!(
        "exec snapclient -h 127.0.0.1 -p {} --player file:filename=snap.raw",
        stream.port()
    ));
    wait_until("the client plays silence", || !lab.read("snap.raw").is_empty());
    lab.play_to(&format!("tcp:{address}"));
    let sound = &lab.sound[..lab.sound.len() - 2205 * 4];
    let deadline = Instant::now() + PATIENCE;
    while place(&lab.read("snap.raw"), sound).is_none() {
        assert!(Instant::now() < deadline, "{} bytes", lab.read("snap.raw").len());
        std::thread::sleep(Duration::from_millis(50));
    }
}
#[test]
#[ignore = "needs pulseaudio, parec"]
fn pulseaudio_takes_what_the_tcp_sink_sends_bit_for_bit() {
    let lab = Lab::new();
    let address = free_address();
    let _pulse = pulse(&lab, address.port());
    let _recorder = lab.start(&format!(
        "PULSE_SERVER=unix:{}/native exec parec -d lab.monitor --raw --format=s16le --rate=44100 --channels=2 --latency-msec=20 > rec.raw",
        lab.folder.path().display()
    ));
    wait_until("it records", || !lab.read("rec.raw").is_empty());
    lab.play_to(&format!("tcp:{address}"));
    lab.wait_for_sound("rec.raw");
}
