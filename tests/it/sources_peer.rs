//! Real source clients on our server, and what listeners hear of them: ffmpeg, ezstream,
//! liquidsoap, mpd, libshout's own `shout`, curl; and ours.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::{
    encoded::RECIPES,
    home::Home,
    radio::wait_until,
    served::Served,
    source::{PASSWORD, get},
    tools::free_address,
};

/// How long a client may take to start and to connect: liquidsoap compiles its library first.
const CLIENT_PATIENCE: Duration = Duration::from_secs(40);

/// A station that plays, and a file for source clients to send: 20 s, 128 kbit/s, 44.1 kHz.
struct Studio {
    served: Served,
    home: Home,
    song: PathBuf,
}

/// A client; dropping it ends it by its own handle.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Studio {
    fn open() -> Self {
        let home = Home::new();
        let folder = home.path("Music");
        fs::create_dir_all(&folder).unwrap();
        let song = RECIPES[0].encode(&folder);
        let text = format!("[server]\nsource_password = \"{PASSWORD}\"\n");
        let config = home.file("c.toml", text.as_bytes());
        fs::create_dir_all(home.data()).unwrap();
        let global = ["--config", config.to_str().unwrap()];
        let arguments = ["--music", folder.to_str().unwrap(), "--play"];
        let served = Served::start(&home.data(), &arguments, &global);
        served.wait_for(Duration::from_secs(5), |state| state["is_playing"] == true);
        Self { served, home, song }
    }

    fn address(&self) -> SocketAddr {
        self.served.address
    }

    fn url(&self, mount: &str) -> String {
        format!("http://{}{mount}", self.address())
    }

    /// The address that ffmpeg sends to.
    fn target(&self, mount: &str) -> String {
        format!("icecast://source:{PASSWORD}@{}{mount}", self.address())
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Client {
        let log = fs::File::create(self.home.path(format!("{program}.log"))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.home.root()).env("HOME", self.home.root());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Client(command.spawn().unwrap())
    }

    fn log(&self, program: &str) -> String {
        fs::read_to_string(self.home.path(format!("{program}.log"))).unwrap_or_default()
    }

    /// What the status says of a mount; nothing where it is not there.
    fn status(&self, mount: &str) -> Option<serde_json::Value> {
        let status: serde_json::Value =
            serde_json::from_str(&get(self.address(), "/status-json.xsl").1).unwrap();
        let sources = &status["icestats"]["source"];
        let all = sources.as_array().cloned().unwrap_or_else(|| vec![sources.clone()]);
        let is_it = |source: &serde_json::Value| {
            source["listenurl"].as_str().is_some_and(|url| url.ends_with(mount))
        };
        all.into_iter().find(is_it)
    }

    /// Waits until a mount is there, or until the show is on the station's own.
    fn wait_for(&self, program: &str, mount: &str) {
        let is_on = || match mount {
            "/stream" => self.served.state()["outputs"][0]["reason"].is_string(),
            _ => self.status(mount).is_some(),
        };
        let begun = Instant::now();
        while !is_on() {
            let said = || format!("{program} is not on {mount}: {}", self.log(program));
            assert!(begun.elapsed() < CLIENT_PATIENCE, "{}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Hears a mount for some seconds with ffmpeg, which must not complain.
    fn hear(&self, program: &str, mount: &str) {
        self.wait_for(program, mount);
        let url = self.url(mount);
        let output = run("ffmpeg", &["-v", "error", "-i", &url, "-t", "4", "-f", "null", "-"]);
        let said = said(&output);
        assert!(output.status.success(), "{program} {mount}: {said}");
        assert_eq!(output.stderr, b"", "{program} {mount}: {said}\n{}", self.log(program));
    }

    /// Waits until the station plays again.
    fn wait_for_station(&self) {
        let took = self.served.wait_for(Duration::from_secs(15), |s| s["is_playing"] == true);
        assert!(took < Duration::from_secs(12), "{took:?}");
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["--signal=INT", "25", program]).args(arguments).stdin(Stdio::null());
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    format!("{}\n{out}\n{err}", output.status)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// ffmpeg sends the song in real time, encoded by these arguments.
fn ffmpeg(studio: &Studio, coding: &[&str], mount: &str) -> Client {
    let input = ["-v", "warning", "-re", "-stream_loop", "-1", "-i", text(&studio.song)];
    let target = studio.target(mount);
    studio.client("ffmpeg", &[&input, coding, &[&target]].concat())
}

const MP3: [&str; 6] = ["-c", "copy", "-f", "mp3", "-content_type", "audio/mpeg"];

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_sends_mp3_in_both_ways() {
    let studio = Studio::open();
    for legacy in ["0", "1"] {
        let coding = [&MP3[..], &["-legacy_icecast", legacy]].concat();
        let client = ffmpeg(&studio, &coding, "/live");
        studio.hear("ffmpeg", "/live");
        drop(client);
        wait_until("the mount is gone", || studio.status("/live").is_none());
        let client = ffmpeg(&studio, &coding, "/stream");
        studio.hear("ffmpeg", "/stream");
        drop(client);
        studio.wait_for_station();
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_sends_ogg_and_aac() {
    let studio = Studio::open();
    let ogg = ["-f", "ogg", "-content_type", "application/ogg"];
    let opus = [&["-c:a", "libopus"][..], &ogg].concat();
    let vorbis = [&["-c:a", "libvorbis", "-metadata", "title=Lied"][..], &ogg].concat();
    let aac = ["-c:a", "aac", "-f", "adts", "-content_type", "audio/aac"];
    for (coding, mount) in [(&opus[..], "/opus"), (&vorbis, "/vorbis"), (&aac, "/aac")] {
        let _client = ffmpeg(&studio, coding, mount);
        studio.hear("ffmpeg", mount);
        // Later, when the headers are long gone.
        std::thread::sleep(Duration::from_secs(2));
        studio.hear("ffmpeg", mount);
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_is_told_what_is_wrong() {
    let studio = Studio::open();
    let tone = ["-v", "error", "-f", "lavfi", "-i", "sine=d=1"];
    let wrong = format!("icecast://source:x@{}/live", studio.address());
    let mp3 = ["-f", "mp3", &wrong];
    assert!(said(&run("ffmpeg", &[&tone[..], &mp3].concat())).contains("401"));
    let target = studio.target("/stream");
    let ogg = ["-c:a", "libopus", "-f", "ogg", "-content_type", "application/ogg", &target];
    assert!(said(&run("ffmpeg", &[&tone[..], &ogg].concat())).contains("403"));
}

#[test]
#[ignore = "needs ezstream, ffmpeg"]
fn ezstream_sends_mp3_and_its_title() {
    let studio = Studio::open();
    for mount in ["/live", "/stream"] {
        let (song, port) = (text(&studio.song), studio.address().port());
        let config = format!(
            "<ezstream><servers><server><protocol>HTTP</protocol><hostname>127.0.0.1</hostname>
             <port>{port}</port><user>source</user><password>{PASSWORD}</password><tls>None</tls></server></servers>
             <streams><stream><mountpoint>{mount}</mountpoint>
             <format>MP3</format><stream_name>ezstream</stream_name></stream></streams>
             <intakes><intake><type>file</type><filename>{song}</filename></intake></intakes></ezstream>"
        );
        let config = studio.home.file("ezstream.xml", config.as_bytes());
        let client = studio.client("ezstream", &["-v", "-c", text(&config)]);
        studio.hear("ezstream", mount);
        drop(client);
        if mount == "/stream" {
            studio.wait_for_station();
        }
    }
}

#[test]
#[ignore = "needs liquidsoap, ffmpeg"]
fn liquidsoap_sends_mp3_and_ogg() {
    let studio = Studio::open();
    let (song, port) = (text(&studio.song), studio.address().port());
    for (mount, coding) in
        [("/live", "%mp3(bitrate=128)"), ("/stream", "%mp3(bitrate=128)"), ("/vorbis", "%vorbis")]
    {
        let script = format!(
            "settings.init.allow_root.set(true)\nlog.stdout.set(true)\n
             s = mksafe(single(\"{song}\"))
             output.icecast({coding}, host=\"127.0.0.1\", port={port}, user=\"source\",
               password=\"{PASSWORD}\", mount=\"{mount}\", s)\n"
        );
        let script = studio.home.file("radio.liq", script.as_bytes());
        let client = studio.client("liquidsoap", &[text(&script)]);
        studio.hear("liquidsoap", mount);
        drop(client);
    }
    studio.wait_for_station();
}

#[test]
#[ignore = "needs mpd, mpc, ffmpeg"]
fn mpd_sends_its_shout_output() {
    let studio = Studio::open();
    let control = free_address().port();
    for (mount, encoder) in [("/live", "lame"), ("/stream", "lame"), ("/ogg", "vorbis")] {
        let folder: TempDir = tempfile::tempdir().unwrap();
        fs::copy(&studio.song, folder.path().join("song.mp3")).unwrap();
        let (at, port) = (text(folder.path()), studio.address().port());
        let config = format!(
            "music_directory \"{at}\"\ndb_file \"{at}/db\"\nbind_to_address \"127.0.0.1\"\nport \"{control}\"
             pid_file \"{at}/pid\"\nlog_file \"{at}/log\"
             audio_output {{\n type \"shout\"\n name \"out\"\n protocol \"icecast2\"\n encoder \"{encoder}\"
             host \"127.0.0.1\"\n port \"{port}\"\n mount \"{mount}\"\n password \"{PASSWORD}\"\n bitrate \"128\"
             format \"44100:16:2\"\n always_on \"yes\"\n }}\n"
        );
        let config = studio.home.file("mpd.conf", config.as_bytes());
        let client = studio.client("mpd", &["--no-daemon", text(&config)]);
        let port = control.to_string();
        let mpc = |words: &[&str]| {
            let at = ["-h", "127.0.0.1", "-p", &port];
            run("mpc", &[&at, words].concat()).status.success()
        };
        wait_until("mpd is there", || mpc(&["status"]));
        mpc(&["update", "--wait"]);
        for words in [&["add", "song.mp3"][..], &["repeat", "on"], &["play"]] {
            assert!(mpc(words), "{words:?}: {}", studio.log("mpd"));
        }
        studio.hear("mpd", mount);
        drop(client);
    }
    studio.wait_for_station();
}

#[test]
#[ignore = "needs shout, ffmpeg"]
fn libshouts_own_client_survives_its_dance() {
    let studio = Studio::open();
    let port = studio.address().port().to_string();
    for mount in ["/live", "/stream"] {
        let song = fs::File::open(&studio.song).unwrap();
        // The usage first: without one it knows no MP3.
        let arguments = [
            "--usage",
            "audio",
            "--format",
            "mp3",
            "--proto",
            "http",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--user",
            "source",
            "--pass",
            PASSWORD,
            "--mount",
            mount,
            "--station-name",
            "Käse",
            "--tls-mode",
            "auto",
        ];
        let log = fs::File::create(studio.home.path("shout.log")).unwrap();
        let mut command = Command::new("shout");
        command.args(arguments).stdin(song).stdout(log.try_clone().unwrap()).stderr(log);
        let client = Client(command.spawn().unwrap());
        studio.hear("shout", mount);
        if mount == "/live" {
            assert_eq!(studio.status(mount).unwrap()["server_name"], "Käse");
        }
        drop(client);
    }
    studio.wait_for_station();
}

#[test]
#[ignore = "needs curl, ffmpeg"]
fn curl_sends_chunks_and_is_done() {
    let studio = Studio::open();
    let script = format!(
        "ffmpeg -v error -re -i '{}' -t 8 -c copy -f mp3 - | \
         curl -sS -T - -u source:{PASSWORD} -H 'Content-Type: audio/mpeg' {}",
        text(&studio.song),
        studio.url("/live"),
    );
    let mut client = studio.client("sh", &["-c", &script]);
    studio.hear("curl", "/live");
    assert!(client.0.wait().unwrap().success(), "{}", studio.log("sh"));
    assert_eq!(studio.log("sh"), "");
}

#[test]
#[ignore = "needs ffmpeg"]
fn another_of_us_sends_to_it() {
    let studio = Studio::open();
    let home = Home::new();
    home.file("Music/a.mp3", &fs::read(&studio.song).unwrap());
    let port = studio.address().port();
    let text = format!(
        "[icecast]\nenabled = true\nhost = \"127.0.0.1\"\nport = {port}\npassword = \"{PASSWORD}\"\nmountname = \"/live\"\n"
    );
    let config = home.file("c.toml", text.as_bytes());
    fs::create_dir_all(home.data()).unwrap();
    let music = home.path("Music");
    let arguments = ["--music", music.to_str().unwrap(), "--play"];
    let other = Served::start(&home.data(), &arguments, &["--config", config.to_str().unwrap()]);
    studio.hear("ours", "/live");
    assert!(other.state()["is_connected"] == true);
}
