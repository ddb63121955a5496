//! The monitor at sound devices: ALSA, a sound server behind it, and waveOut under wine; bit by bit.

#![cfg(unix)]

#[cfg(feature = "alsa")]
use std::time::{Duration, Instant};
use std::{fs, path::PathBuf};

#[cfg(feature = "alsa")]
use crate::support::{lab::pulse, radio::wait_until, tools::free_address};
use crate::support::{
    lab::{Lab, PATIENCE},
    monitored::{Listener, tour},
    served::Served,
};

/// Slips between the last question for them and the end, less than half a second later.
const LATER_SLIPS: usize = 20;

/// The pieces of the sound in what was captured, between zeros that a sound server put in.
#[cfg(feature = "alsa")]
fn without_inserted_zeros(captured: &[u8]) -> Vec<u8> {
    captured
        .chunks(4)
        .filter(|frame| frame.iter().any(|byte| *byte != 0))
        .flatten()
        .copied()
        .collect()
}

#[test]
#[cfg(feature = "alsa")]
#[ignore = "needs libasound"]
fn alsa_plays_every_frame_bit_for_bit() {
    let lab = Lab::new();
    let conf = paced_device(&lab);
    let conf = conf.display();
    lab.shell(&format!("ALSA_CONFIG_PATH={conf} \"$PROGRAM\" monitor --sink alsa in.raw"));
    assert_eq!(lab.wait_for_sound("paced.raw"), 0);
}

#[test]
#[cfg(feature = "alsa")]
#[ignore = "needs pulseaudio, parec, libasound"]
fn alsa_at_a_sound_server_plays_every_frame_in_order() {
    let lab = Lab::new();
    let _pulse = pulse(&lab, free_address().port());
    let server = format!("unix:{}/native", lab.folder.path().display());
    let _recorder = lab.start(&format!(
        "PULSE_SERVER={server} exec parec -d lab.monitor --raw --format=s16le --rate=44100 --channels=2 --latency-msec=20 > rec.raw"
    ));
    wait_until("it records", || !lab.read("rec.raw").is_empty());
    lab.shell(&format!("PULSE_SERVER={server} \"$PROGRAM\" monitor --sink alsa:pulse in.raw"));
    let wanted = without_inserted_zeros(&lab.sound);
    let deadline = Instant::now() + PATIENCE;
    // A machine under load may get zeros between them; nothing is missing or out of order.
    while without_inserted_zeros(&lab.read("rec.raw")) != wanted {
        assert!(Instant::now() < deadline, "{} bytes", lab.read("rec.raw").len());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[cfg(feature = "alsa")]
#[ignore = "needs libasound"]
fn an_alsa_device_that_is_not_there_is_told_in_one_line_and_tried_again() {
    let lab = Lab::new();
    let output = lab
        .command("timeout -s INT 2 \"$PROGRAM\" monitor --sink alsa:nosuch in.raw")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("nosuch") && lines[0].contains("aplay -L"), "{said}");
    assert!(!said.contains("ALSA lib"), "{said}");
}

#[test]
#[cfg(feature = "alsa")]
#[ignore = "needs python3, libasound"]
fn an_alsa_device_that_is_lost_is_told() {
    let lab = Lab::new();
    // A device whose other end takes some sound and goes away.
    let reader = "|exec python3 -c 'import sys; sys.stdin.buffer.read(100000)'";
    let conf = format!(
        "</usr/share/alsa/alsa.conf>\npcm.!default {{ type plug slave.pcm {{ type file slave.pcm \"null\" file \"{reader}\" format \"raw\" }} }}\n"
    );
    fs::write(lab.path("lost.conf"), conf).unwrap();
    let output = lab
        .command(
            "ALSA_CONFIG_PATH=lost.conf timeout -s INT 3 \"$PROGRAM\" monitor --sink alsa in.raw",
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("was lost"), "{said}");
}

/// A device behind ALSA's default that takes its sound at 44.1 kHz, by a clock of its own, into paced.raw.
fn paced_device(lab: &Lab) -> PathBuf {
    let card = lab.path("card.py");
    fs::write(
        &card,
        "import fcntl, os, sys, time\n\
         try: fcntl.fcntl(0, 1031, 4096)\n\
         except OSError: pass\n\
         out, begun, taken = open(sys.argv[1], 'wb', 0), None, 0\n\
         while data := os.read(0, 1764):\n\
        \x20   out.write(data)\n\
        \x20   taken += len(data)\n\
        \x20   begun = begun or time.monotonic()\n\
        \x20   time.sleep(max(0.0, begun + taken / 4 / 44100 - time.monotonic()))\n",
    )
    .unwrap();
    let conf = lab.path("paced.conf");
    let (card, raw) = (card.display(), lab.path("paced.raw"));
    let text = format!(
        "</usr/share/alsa/alsa.conf>\npcm.!default {{ type plug slave.pcm {{ type file slave.pcm \"null\" file \"|exec python3 {card} {}\" format \"raw\" }} }}\n",
        raw.display()
    );
    fs::write(&conf, text).unwrap();
    conf
}

/// How many moments are left out of `captured`, or doubled in it, against `heard`, with which it
/// begins; how many of `heard` are there, and how many of both are left then. Anything else ends the
/// comparison.
fn slips(captured: &[[u8; 4]], heard: &[[u8; 4]]) -> (usize, usize, usize) {
    /// So many in a row are the same behind a slip.
    const SURE: usize = 16;
    let (mut at, mut of, mut slips) = (0, 0, 0);
    while at < captured.len() && of < heard.len() {
        if captured[at] == heard[of] {
            (at, of) = (at + 1, of + 1);
            continue;
        }
        // Several may fall into silence, where none can be seen.
        let same = |a: usize, b: usize| {
            let (a, b) = (captured.get(a..a + SURE), heard.get(b..b + SURE));
            a.is_some() && a == b
        };
        let Some(n) = (1..40).find(|n| same(at, of + n) || same(at + n, of)) else { break };
        slips += n;
        if same(at, of + n) { of += n } else { at += n }
    }
    (slips, of, (captured.len() - at).min(heard.len() - of))
}

/// A station whose monitor plays at `sink`, behind `command`: what comes out of the device is what a
/// listener hears, but for the slips that are counted. False: the machine held the player or the device
/// up for so long that there was a gap.
fn play_at_device(command: &[&str], sink: &str, lab: &Lab) -> bool {
    let config = lab.path("config.toml");
    fs::write(&config, format!("[monitor]\nsinks = [\"{sink}\"]\n")).unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo");
    let served = Served::under(
        command,
        "127.0.0.1:0",
        &lab.path("data"),
        &["--music", demo, "--play"],
        &["--config", config.to_str().unwrap()],
    );
    let told = || served.ask("GET", "/api/v1/monitor", "").1["sinks"][0].clone();
    // By then the device has filled what lies behind it.
    served.wait_for(PATIENCE, |state| state["position_seconds"].as_f64().unwrap() > 2.0);
    let before = told();
    let listener = Listener::of(served.address, "/stream?burst=0");
    tour(&served, &listener);
    // What is heard last has to come through the device.
    listener.hear(10_000);
    let told = told();
    println!("{sink}: {told}");
    if told["underruns"] != before["underruns"] {
        return false;
    }
    assert_eq!(told["dropped"], 0, "{told}");
    let slipped = usize::try_from(told["slipped"].as_u64().unwrap()).unwrap();
    let (_, status) = served.terminate();
    println!("{sink}: ended with {status}, {slipped} slipped");
    let heard = listener.end(lab.folder.path());
    let captured = lab.read("paced.raw");
    let (captured, heard) = (captured.as_chunks::<4>().0, heard.as_chunks::<4>().0);
    // Two frames for its decoder to have its memory, and no silence, which would be found anywhere.
    let warm = &heard[2 * 1152..];
    let warm = &warm[warm.iter().position(|frame| frame.iter().any(|byte| *byte > 1)).unwrap()..];
    let at = captured.windows(64).position(|window| window == &warm[..64]);
    let at = at.unwrap_or_else(|| panic!("{sink}: what the listener heard is not there"));
    let (slips, compared, left) = slips(&captured[at..], warm);
    let seconds = compared as f64 / 44_100.0;
    println!("{sink}: {seconds:.1} s compared, {slips} slips seen");
    // What is shorter than the search for a slip can be none. Else a busy machine had the sound server,
    // or wine, put silence in, which nobody is told of.
    if left >= 64 {
        println!("{sink}: differs after {seconds:.1} s, with {left} moments left");
        return false;
    }
    assert!(seconds > 1.5, "{sink}: {seconds} s");
    // What has slipped since it was asked: one or two in each block of 50 ms.
    assert!(slips <= slipped + LATER_SLIPS, "{sink}: {slips} slips, {slipped} counted");
    true
}

/// As often as a machine may hold the player up.
const TAKES: usize = 3;

fn in_one_take(play: impl Fn(&Lab) -> bool) {
    assert!((0..TAKES).any(|_| play(&Lab::new())), "no take of {TAKES} without a gap");
}

#[test]
#[cfg(feature = "alsa")]
#[ignore = "needs python3, libasound"]
fn what_a_station_plays_at_an_alsa_device_is_what_a_listener_hears() {
    in_one_take(|lab| {
        let conf = format!("ALSA_CONFIG_PATH={}", paced_device(lab).display());
        let path = format!("PATH={}", std::env::var("PATH").unwrap());
        play_at_device(&["env", &path, &conf], "alsa", lab)
    });
}

#[test]
#[ignore = "needs wine: tests/windows/run"]
fn what_a_station_plays_at_waveout_is_what_a_listener_hears() {
    let value = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let kept =
        ["PATH", "HOME", "WINEPREFIX", "WINEPATH", "WINEDEBUG", "WINEDLLOVERRIDES", "PULSE_SERVER"];
    let kept = kept.map(|name| format!("{name}={}", value(name)));
    // In place of the program of this system, which comes as its first word.
    let line = format!("shift; exec wine64 '{}' \"$@\"", value("MUSICDB_WINDOWS_PROGRAM"));
    in_one_take(|lab| {
        let conf = format!("ALSA_CONFIG_PATH={}", paced_device(lab).display());
        let mut command = vec!["env", &conf];
        command.extend(kept.iter().map(String::as_str));
        command.extend(["sh", "-c", &line, "sh"]);
        play_at_device(&command, "waveout", lab)
    });
}
