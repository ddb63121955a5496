//! Real players behind TLS: curl, ffmpeg and mpv, with the program as it is served.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Output, Stdio},
};

use musicdb_stream::mpeg::Header;

use crate::support::{
    certificates::Issued, home::Home, radio::wait_until, served::Served, tools::free_address,
};

/// The demo, plain and behind TLS.
struct Station {
    served: Served,
    issued: Issued,
    tls: SocketAddr,
    _home: Home,
}

impl Station {
    fn start() -> Self {
        let home = Home::new();
        let issued = Issued::make(home.root());
        let tls = free_address();
        let config = home.path("tls.toml");
        let text = format!(
            "[server]\ntls_listen = \"{tls}\"\ntls_certificate = {:?}\ntls_key = {:?}\n",
            issued.certificate, issued.key
        );
        fs::write(&config, text).unwrap();
        let global = ["--config", config.to_str().unwrap()];
        let served = Served::start(&home.path("data"), &["--demo"], &global);
        wait_until("a song is on the air", || served.state()["is_playing"] == true);
        Self { served, issued, tls, _home: home }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/stream", self.tls.port())
    }

    fn authority(&self) -> &str {
        self.issued.certificate.to_str().unwrap()
    }
}

/// How long the frames last that stand one behind the other from the first byte on.
fn seconds_of_frames(mut sound: &[u8]) -> f64 {
    let mut seconds = 0.0;
    while let Some(Ok(header)) = sound.first_chunk().map(|head| Header::parse(*head)) {
        seconds += f64::from(header.samples()) / f64::from(header.sample_rate());
        sound = sound.get(header.frame_len()..).unwrap_or_default();
    }
    assert!(sound.len() < 2000, "{} bytes that are no frames", sound.len());
    seconds
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

#[test]
#[ignore = "needs curl"]
fn curl_listens_and_asks_behind_tls_and_trusts_only_the_right_one() {
    let station = Station::start();
    let (url, authority) = (station.url(), station.authority());
    let trust = ["-sS", "--cacert", authority];
    let body = run("curl", &[&trust[..], &["--max-time", "3", "-o", "-", &url]].concat());
    // 28: the time that was allowed is over, which is how a stream ends for curl.
    assert_eq!(body.status.code(), Some(28), "{}", String::from_utf8_lossy(&body.stderr));
    // From the first frame on, at least for the three seconds.
    let seconds = seconds_of_frames(&body.stdout);
    assert!(seconds > 2.5, "{seconds} s in {} bytes", body.stdout.len());
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let most = version.trim_start_matches("--tlsv");
        let head = run("curl", &[&trust[..], &["-I", version, "--tls-max", most, &url]].concat());
        assert!(said(&head).contains("HTTP/1.0 200 OK"), "{version}: {}", said(&head));
    }
    let playlist = run("curl", &[&trust[..], &[&format!("{url}.m3u")]].concat());
    assert_eq!(String::from_utf8_lossy(&playlist.stdout), format!("{url}\r\n"));
    let base = url.trim_end_matches("/stream");
    for path in ["/health", "/api/v1/state", "/metrics", "/"] {
        let address = format!("{base}{path}");
        let answer = run("curl", &[&trust[..], &["-f", "-o", "/dev/null", &address]].concat());
        assert!(answer.status.success(), "{path}: {}", said(&answer));
    }
    // 60: the peer cannot be trusted.
    assert_eq!(run("curl", &["-sS", &url]).status.code(), Some(60));
    let old = run("curl", &[&trust[..], &["--tls-max", "1.1", &url]].concat());
    assert!(!old.status.success(), "TLS 1.1 was spoken");
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_decodes_what_comes_behind_tls_without_a_word() {
    let station = Station::start();
    let (url, authority) = (station.url(), station.authority());
    let trust = ["-ca_file", authority, "-tls_verify", "1"];
    let arguments =
        [&["-v", "warning"][..], &trust, &["-i", &url, "-t", "6", "-f", "null", "-"]].concat();
    let output = run("ffmpeg", &arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stderr.is_empty(), "{}", said(&output));
}

#[test]
#[ignore = "needs mpv"]
fn mpv_plays_what_comes_behind_tls() {
    let station = Station::start();
    let authority = format!("--tls-ca-file={}", station.authority());
    let url = station.url();
    let output = run(
        "mpv",
        &["--no-config", "--ao=null", "--no-video", "--length=5", "--tls-verify", &authority, &url],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("icy-title"), "{}", said(&output));
    assert_eq!(station.served.state()["is_playing"], true);
}
