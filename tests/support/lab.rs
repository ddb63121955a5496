//! A lab for the monitor's peers: a folder with known sound, programs that are started in it, and what
//! they make of it.

#![cfg(unix)]

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{home::PROGRAM, monitored::noise, radio::wait_until};

/// For a peer to do its part.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Raw PCM, as sox is told of it.
pub const RAW: &str = "-t raw -r 44100 -c 2 -e signed -b 16 -L";

/// A folder with three seconds of noise in it, raw and as WAV.
pub struct Lab {
    pub folder: tempfile::TempDir,
    pub sound: Vec<u8>,
}

/// A peer; dropping it ends it and all that it has started.
pub struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("pkill").args(["-KILL", "-P", &self.0.id().to_string()]).status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Lab {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sound = noise(3 * 44_100);
        fs::write(folder.path().join("in.raw"), &sound).unwrap();
        let lab = Self { folder, sound };
        lab.shell(&format!("sox {RAW} in.raw in.wav"));
        lab
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, line: &str) -> Command {
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

    pub fn shell(&self, line: &str) {
        let output = self.command(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn start(&self, line: &str) -> Peer {
        Peer(self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Plays in.raw to a sink by `monitor`.
    pub fn play_to(&self, sink: &str) {
        self.shell(&format!("\"$PROGRAM\" monitor --sink '{sink}' in.raw"));
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    /// Waits until a file holds all of the sound, and tells where in it.
    pub fn wait_for_sound(&self, name: &str) -> usize {
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
pub fn place(captured: &[u8], sound: &[u8]) -> Option<usize> {
    let at = captured.windows(64).position(|window| window == &sound[..64])?;
    captured[at..].starts_with(sound).then_some(at)
}

pub fn wait_for_port(address: SocketAddr) {
    wait_until("the peer listens", || {
        // A connection would be the one that some peers take: the kernel's table tells as well.
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let wanted = format!(":{:04X} 00000000:0000 0A", address.port());
        table.contains(&wanted)
    });
}

/// A PulseAudio without a card that plays into nothing, at real time.
pub fn pulse(lab: &Lab, port: u16) -> Peer {
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
