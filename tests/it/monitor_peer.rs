//! The monitor and real programs: those that send raw PCM, those that take it, ALSA and PulseAudio.
//! Everything is compared byte for byte.

#![cfg(unix)]

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{
    home::PROGRAM,
    monitored::{Listener, Monitor, noise, recorded, tour},
    players::Mpd,
    radio::wait_until,
    served::Served,
    tools::free_address,
};

/// Slips between the last question for them and the end, less than half a second later.
const LATER_SLIPS: usize = 20;
/// For a peer to do its part.
const PATIENCE: Duration = Duration::from_secs(30);
const SONG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo/2-paper-waltz.mp3");
const RAW: &str = "-t raw -r 44100 -c 2 -e signed -b 16 -L";

/// A folder with three seconds of noise in it, raw and as WAV.
struct Lab {
    folder: tempfile::TempDir,
    sound: Vec<u8>,
}

/// A peer; dropping it ends it and all that it has started.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("pkill").args(["-KILL", "-P", &self.0.id().to_string()]).status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sound = noise(3 * 44_100);
        fs::write(folder.path().join("in.raw"), &sound).unwrap();
        let lab = Self { folder, sound };
        lab.shell(&format!("sox {RAW} in.raw in.wav"));
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        // ALSA's default device writes what it plays to out.raw; no sound server of the user is asked.
        let alsa = format!(
            "</usr/share/alsa/alsa.conf>\npcm.!default {{ type plug slave.pcm {{ type file slave.pcm \"null\" file \"{}\" format \"raw\" truncate true }} }}\n",
            self.path("out.raw").display()
        );
        fs::write(self.path("asound.conf"), alsa).unwrap();
        command
            .args(["-c", line])
            .current_dir(self.folder.path())
            .env("PROGRAM", PROGRAM)
            .env("HOME", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("ALSA_CONFIG_PATH", self.path("asound.conf"))
            .env("PULSE_SERVER", "unix:/nonexistent")
            .stdin(Stdio::null());
        command
    }

    fn shell(&self, line: &str) {
        let output = self.command(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn start(&self, line: &str) -> Peer {
        Peer(self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Plays in.raw to a sink by `monitor`.
    fn play_to(&self, sink: &str) {
        self.shell(&format!("\"$PROGRAM\" monitor --sink '{sink}' in.raw"));
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    /// Waits until a file holds all of the sound, and tells where in it.
    fn wait_for_sound(&self, name: &str) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let captured = self.read(name);
            if let Some(at) = place(&captured, &self.sound) {
                return at;
            }
            assert!(
                Instant::now() < deadline,
                "{name} has {} bytes and not the sound",
                captured.len()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Where `sound` stands in `captured`, whole.
fn place(captured: &[u8], sound: &[u8]) -> Option<usize> {
    let at = captured.windows(64).position(|window| window == &sound[..64])?;
    captured[at..].starts_with(sound).then_some(at)
}

fn wait_for_port(address: SocketAddr) {
    wait_until("the peer listens", || {
        // A connection would be the one that some peers take: the kernel's table tells as well.
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let wanted = format!(":{:04X} 00000000:0000 0A", address.port());
        table.contains(&wanted)
    });
}

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

/// A PulseAudio without a card that plays into nothing, at real time.
fn pulse(lab: &Lab, port: u16) -> Peer {
    let folder = lab.folder.path().display();
    let peer = lab.start(&format!(
        "exec pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no \
         -L 'module-native-protocol-unix auth-anonymous=1 socket={folder}/native' \
         -L 'module-null-sink sink_name=lab format=s16le rate=44100 channels=2 norewinds=1' \
         -L 'module-simple-protocol-tcp playback=true record=false port={port} listen=127.0.0.1 sink=lab rate=44100 format=s16le channels=2'"
    ));
    wait_for_port(SocketAddr::from(([127, 0, 0, 1], port)));
    peer
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
/// listener hears, but for the slips that are counted.
fn play_at_device(command: &[&str], sink: &str, lab: &Lab) {
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
    served.wait_for(PATIENCE, |state| state["is_playing"] == true);
    let listener = Listener::start(served.address);
    tour(&served, &listener);
    // What is heard last has to come through the device.
    listener.hear(10_000);
    let told = served.ask("GET", "/api/v1/monitor", "").1["sinks"][0].clone();
    assert_eq!((&told["underruns"], &told["dropped"]), (&0.into(), &0.into()), "{told}");
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
    // What is shorter than the search for a slip can be none.
    assert!(left < 64 && seconds > 4.0, "{sink}: differs after {seconds} s, with {left} left");
    // What has slipped since it was asked: one or two in each block of 50 ms.
    assert!(slips <= slipped + LATER_SLIPS, "{sink}: {slips} slips, {slipped} counted");
}

#[test]
#[cfg(feature = "alsa")]
#[ignore = "needs python3, libasound"]
fn what_a_station_plays_at_an_alsa_device_is_what_a_listener_hears() {
    let lab = Lab::new();
    let conf = format!("ALSA_CONFIG_PATH={}", paced_device(&lab).display());
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    play_at_device(&["env", &path, &conf], "alsa", &lab);
}

#[test]
#[ignore = "needs wine: tests/windows/run"]
fn what_a_station_plays_at_waveout_is_what_a_listener_hears() {
    let lab = Lab::new();
    let value = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let conf = format!("ALSA_CONFIG_PATH={}", paced_device(&lab).display());
    let kept =
        ["PATH", "HOME", "WINEPREFIX", "WINEPATH", "WINEDEBUG", "WINEDLLOVERRIDES", "PULSE_SERVER"];
    let kept = kept.map(|name| format!("{name}={}", value(name)));
    // In place of the program of this system, which comes as its first word.
    let line = format!("shift; exec wine64 '{}' \"$@\"", value("MUSICDB_WINDOWS_PROGRAM"));
    let mut command = vec!["env", &conf];
    command.extend(kept.iter().map(String::as_str));
    command.extend(["sh", "-c", &line, "sh"]);
    play_at_device(&command, "waveout", &lab);
}
