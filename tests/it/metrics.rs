//! `/metrics`: what Prometheus reads, held against its formats by a small reader of our own.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{home::Home, radio::wait_until, served::Served};

/// A scrape: each family's kind, and each sample by its name and labels.
#[derive(Debug, Default)]
struct Scrape {
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    /// Reads the text format 0.0.4 as its rules are written: HELP and TYPE once and before the samples
    /// of a family, which stand together; no sample twice; names and values well-formed.
    fn read(text: &str) -> Self {
        let (mut scrape, mut helped, mut done) = (Self::default(), Vec::new(), Vec::new());
        let mut family = String::new();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<&str> = comment.splitn(3, ' ').collect();
                let name = words[1].to_owned();
                assert!(is_name(&name), "{line}");
                assert!(!done.contains(&name), "{name} stands in two places");
                match words[0] {
                    "HELP" => {
                        assert!(words[2].len() > 5, "{line}");
                        helped.push(name);
                    }
                    "TYPE" => {
                        assert_eq!(helped.last(), Some(&name), "no HELP before {line}");
                        assert!(["counter", "gauge"].contains(&words[2]), "{line}");
                        assert!(scrape.kinds.insert(name.clone(), words[2].to_owned()).is_none());
                        done.push(std::mem::replace(&mut family, name));
                    }
                    other => panic!("{other}: {line}"),
                }
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            assert_eq!(name, family, "a sample of another family: {line}");
            let value: f64 = value.parse().unwrap();
            let kind = &scrape.kinds[name];
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kind != "counter" || value >= 0.0, "{line}");
            if let Some(labels) = sample.strip_prefix(name).filter(|labels| !labels.is_empty()) {
                assert!(labels.starts_with('{') && labels.ends_with("\"}"), "{line}");
            }
            assert!(scrape.samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
        }
        scrape
    }

    fn value(&self, sample: &str) -> f64 {
        let name = format!("musicdb_stream_{sample}");
        *self.samples.get(&name).unwrap_or_else(|| panic!("{name} is missing: {self:#?}"))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Status, head and body of a request with these header lines.
fn asked(served: &Served, lines: &str) -> (u16, String, String) {
    let mut socket = TcpStream::connect(served.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(socket, "GET /metrics HTTP/1.1\r\n{lines}\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn scraped(served: &Served) -> Scrape {
    let (status, head, body) = asked(served, "Host: localhost\r\n");
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    Scrape::read(&body)
}

#[test]
fn the_figures_are_what_the_station_and_its_listeners_do() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--play"]);
    wait_until("a song is on the air", || scraped(&served).value("is_playing") == 1.0);
    let before = scraped(&served);
    assert_eq!(before.value("output_connected{output=\"mount\"}"), 1.0);
    assert_eq!(before.value("mount_listeners{mount=\"/stream\"}"), 0.0);
    assert!(before.value("last_frame_age_seconds") < 5.0);
    assert!(before.value("queue_length") >= 1.0);
    assert_eq!(before.value("flush_interval_seconds"), 0.25);
    let build = format!("build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(before.value(&build), 1.0);
    let mut listener = TcpStream::connect(served.address).unwrap();
    listener.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    listener.write_all(b"GET /stream HTTP/1.0\r\n\r\n").unwrap();
    let mut heard = vec![0; 20_000];
    listener.read_exact(&mut heard).unwrap();
    let during = scraped(&served);
    assert_eq!(during.value("mount_listeners{mount=\"/stream\"}"), 1.0);
    assert_eq!(during.value("listeners_accepted_total"), 1.0);
    assert!(during.value("listeners_sent_bytes_total") >= 20_000.0);
    assert!(during.value("mount_sent_bytes_total{mount=\"/stream\"}") >= 20_000.0);
    assert!(during.value("frames_total") > before.value("frames_total"));
    drop(listener);
    wait_until("the listener is gone", || {
        scraped(&served).value("mount_listeners{mount=\"/stream\"}") == 0.0
    });
    let after = scraped(&served);
    assert_eq!(after.value("mount_listeners_peak{mount=\"/stream\"}"), 1.0);
    // The songs last a second: the next one has begun by now or will.
    wait_until("a song has ended", || scraped(&served).value("songs_played_total") >= 1.0);
    for (name, value) in &before.samples {
        let is_counter = name.split('{').next().unwrap().ends_with("_total");
        let later = after.samples.get(name).unwrap_or_else(|| panic!("{name} has vanished"));
        assert!(!is_counter || later >= value, "{name} counts down: {value} to {later}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured_under_the_names_that_every_dashboard_knows() {
    let home = Home::with_songs(1);
    let served = home.serve(&["--paused"]);
    let scrape = scraped(&served);
    let resident = scrape.samples["process_resident_memory_bytes"];
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory are few enough")]
    let seen = served.cost().1 as f64;
    assert!(resident > 0.5 * seen && resident < 2.0 * seen, "{resident} and {seen}");
    let files = std::fs::read_dir(format!("/proc/{}/fd", served.pid())).unwrap().count();
    let told = scrape.samples["process_open_fds"];
    assert!((told - f64::from(u32::try_from(files).unwrap())).abs() <= 3.0, "{told} and {files}");
    assert!(scrape.samples["process_max_fds"] >= told);
}

#[test]
fn only_those_who_may_read_the_api_read_the_figures() {
    let home = Home::with_songs(1);
    let served = home.serve(&["--paused"]);
    assert_eq!(asked(&served, "Host: radio.example\r\n").0, 401);
    assert_eq!(asked(&served, "Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n").0, 401);
    let token = format!("Host: radio.example\r\nAuthorization: Bearer {}\r\n", served.token);
    assert_eq!(asked(&served, &token).0, 200);
}

#[test]
fn prometheus_itself_gets_the_format_that_it_asks_for() {
    let home = Home::with_songs(1);
    let served = home.serve(&["--paused"]);
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let (status, head, body) = asked(&served, &format!("Host: localhost\r\nAccept: {accept}\r\n"));
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    assert!(body.contains("# UNIT musicdb_stream_uptime_seconds seconds\n"), "{body}");
}
