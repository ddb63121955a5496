//! Listeners who must log in: by a file of passwords, or by a server that is asked.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use musicdb_stream::{
    config::{MountSettings, WebAddress},
    server::ServerOptions,
};

use crate::support::{
    home::Home,
    radio::{PATIENCE, Radio, head, options},
    tools::free_address,
};

/// `printf hackme | md5sum`.
const HACKME: &str = "23b4222d2613a2765d4d432d2d65e88e";
/// `ann:hackme` as Basic has it.
const ANN: &str = "Authorization: Basic YW5uOmhhY2ttZQ==\r\n";

fn radio_with(change: impl FnOnce(&mut MountSettings)) -> Radio {
    let mut mount = MountSettings { name: "/stream".into(), ..MountSettings::default() };
    change(&mut mount);
    Radio::on_air(ServerOptions { mounts: vec![mount], ..options() }, 100)
}

/// A server that is asked, and what it was asked.
struct Desk {
    url: WebAddress,
    asked: Receiver<Question>,
}

/// A request of the server under test, which waits for its answer.
struct Question {
    head: String,
    body: String,
    stream: TcpStream,
}

impl Question {
    /// Answers with these header lines.
    fn answer(mut self, lines: &str) {
        let answer =
            format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n");
        self.stream.write_all(answer.as_bytes()).unwrap();
    }

    fn field(&self, name: &str) -> Option<&str> {
        let pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|pair| pair.0 == name).map(|pair| pair.1)
    }
}

impl Desk {
    fn open() -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn at(port: TcpListener) -> Self {
        let url = format!("http://{}/auth", port.local_addr().unwrap()).into();
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for stream in port.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                std::thread::spawn(move || hear(stream, &sender));
            }
        });
        Self { url, asked }
    }

    fn next(&self) -> Question {
        self.asked.recv_timeout(PATIENCE).expect("nobody asked")
    }
}

fn hear(mut stream: TcpStream, sender: &Sender<Question>) {
    let head = head(&mut stream);
    let length = head.to_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    assert!(head.starts_with("POST /auth HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("application/x-www-form-urlencoded"), "{head}");
    let _ = sender.send(Question { head, body: String::from_utf8(body).unwrap(), stream });
}

fn status(radio: &Radio, path: &str, headers: &str) -> String {
    let (head, _) = radio.listen(path, headers);
    head.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_file_lets_in_whom_it_knows_and_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("listeners");
    // The MD5 of the empty text: bob's password is none.
    std::fs::write(&file, "bob:d41d8cd98f00b204e9800998ecf8427e\n").unwrap();
    let radio = radio_with(|mount| mount.listener_file = Some(file.clone()));
    let (refused, _) = radio.listen("/stream", "");
    assert!(refused.starts_with("HTTP/1.0 401 Authentication Required\r\n"), "{refused}");
    assert!(
        refused.contains("\r\nWWW-Authenticate: Basic realm=\"Icecast2 Server\"\r\n"),
        "{refused}"
    );
    assert_eq!(status(&radio, "/stream", ANN), "401");
    assert_eq!(status(&radio, "/stream?user=bob&pass=", ""), "200");
    std::fs::write(&file, format!("ann:{}\n", md5("hackme"))).unwrap();
    assert_eq!(status(&radio, "/stream", ANN), "200");
    assert_eq!(status(&radio, "/stream?user=ann&pass=hack%6De", ""), "200");
    assert_eq!(status(&radio, "/stream?user=bob&pass=", ""), "401");
    assert_eq!(status(&radio, "/stream.mp3", ""), "401", "its other names are locked too");
    assert_eq!(radio.ask("HEAD", "/stream").0.split(' ').nth(1), Some("401"));
    assert_eq!(radio.ask("GET", "/stream.m3u").0.split(' ').nth(1), Some("200"));
    // The same user may come twice.
    let both = [radio.listen("/stream", ANN), radio.listen("/stream", ANN)];
    assert!(both.iter().all(|(head, _)| head.starts_with("HTTP/1.0 200 OK\r\n")));
}

/// The MD5 of the one password of these tests.
fn md5(password: &str) -> &'static str {
    assert_eq!(password, "hackme");
    HACKME
}

#[test]
fn a_server_is_asked_with_icecasts_fields_and_told_of_the_end() {
    let desk = Desk::open();
    let radio = radio_with(|mount| {
        mount.listener_url = Some(desk.url.clone());
        mount.listener_url_remove = Some(desk.url.clone());
    });
    let port = radio.address.port();
    let mut stream = radio.send(&format!(
        "GET /stream?x=1 HTTP/1.1\r\nHost: radio\r\nUser-Agent: Player/1\r\n{ANN}\r\n"
    ));
    let asked = desk.next();
    let about = |action: &str, id: &str| {
        format!(
            "action={action}&server=127.0.0.1&port={port}&client={id}&mount=%2Fstream%3Fx%3D1&user=ann&\
             pass=hackme&ip=127.0.0.1&agent=Player%2F1"
        )
    };
    let id = asked.field("client").unwrap().to_owned();
    assert_eq!(asked.body, about("listener_add", &id));
    asked.answer("icecast-auth-user: 1\r\n");
    assert!(head(&mut stream).starts_with("HTTP/1.0 200 OK\r\n"));
    radio.wait_for_count(1);
    let listed = radio.listeners.list(std::time::Instant::now());
    assert_eq!(listed[0].id.to_string(), id, "the server knows it by the number that we list");
    drop(stream);
    let told = desk.next();
    assert_eq!(told.body, format!("{}&duration=0", about("listener_remove", &id)));
    told.answer("");
}

#[test]
fn whoever_is_refused_reads_why() {
    let desk = Desk::open();
    let radio = radio_with(|mount| mount.listener_url = Some(desk.url.clone()));
    let mut stream = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    let asked = desk.next();
    assert_eq!((asked.field("user"), asked.field("pass")), (Some(""), Some("")));
    asked.answer("icecast-auth-message: no\tsuch user\r\n");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 401 "), "{answer}");
    assert!(
        answer.contains("WWW-Authenticate: Basic") && answer.ends_with("\r\n\r\nno such user\r\n"),
        "{answer}"
    );
    let mut stream = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    desk.next().answer("icecast-auth-user: 0\r\n");
    assert!(head(&mut stream).starts_with("HTTP/1.0 401 "));
    assert_eq!(radio.listeners.count(), 0);
}

#[test]
fn the_server_may_set_an_end() {
    let desk = Desk::open();
    let radio = radio_with(|mount| mount.listener_url = Some(desk.url.clone()));
    let mut stream = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    desk.next().answer("Icecast-Auth-User: 1\r\nicecast-auth-timelimit: 1\r\n");
    let begun = std::time::Instant::now();
    assert!(head(&mut stream).starts_with("HTTP/1.0 200 "));
    let mut sound = Vec::new();
    stream.read_to_end(&mut sound).unwrap();
    let lasted = begun.elapsed();
    assert!(lasted > Duration::from_millis(900) && lasted < PATIENCE, "{lasted:?}");
    assert_eq!(sound, radio.pushed);
}

#[test]
fn several_are_asked_about_at_once_and_nobody_else_waits() {
    let desk = Desk::open();
    let radio = radio_with(|mount| mount.listener_url = Some(desk.url.clone()));
    let mut streams: Vec<_> = (0..10).map(|_| radio.send("GET /stream HTTP/1.1\r\n\r\n")).collect();
    // All ten are there before one is answered.
    let asked: Vec<_> = (0..10).map(|_| desk.next()).collect();
    assert_eq!(radio.ask("GET", "/status-json.xsl").0.split(' ').nth(1), Some("200"));
    asked.into_iter().for_each(|question| question.answer("icecast-auth-user: 1\r\n"));
    for stream in &mut streams {
        assert!(head(stream).starts_with("HTTP/1.0 200 "));
    }
}

#[test]
fn a_server_that_cannot_be_asked_lets_nobody_in() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", port.local_addr().unwrap());
    drop(port);
    let radio = radio_with(|mount| mount.listener_url = Some(url.into()));
    assert_eq!(status(&radio, "/stream", ANN), "503");
}

#[test]
fn the_end_of_the_server_does_not_wait_for_an_answer() {
    let desk = Desk::open();
    let mut radio = radio_with(|mount| mount.listener_url = Some(desk.url.clone()));
    let _stream = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    let _unanswered = desk.next();
    assert!(radio.stop() < Duration::from_millis(500));
}

#[test]
fn one_who_finds_no_room_after_all_is_reported_as_gone() {
    let desk = Desk::open();
    let mount = MountSettings {
        name: "/stream".into(),
        max_listeners: 1,
        listener_url: Some(desk.url.clone()),
        listener_url_remove: Some(desk.url.clone()),
        ..MountSettings::default()
    };
    let radio = Radio::on_air(ServerOptions { mounts: vec![mount], ..options() }, 100);
    let mut first = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    desk.next().answer("icecast-auth-user: 1\r\n");
    assert!(head(&mut first).starts_with("HTTP/1.0 200 "));
    let mut second = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    let asked = desk.next();
    let id = asked.field("client").unwrap().to_owned();
    asked.answer("icecast-auth-user: 1\r\n");
    assert!(head(&mut second).starts_with("HTTP/1.0 403 "));
    let told = desk.next();
    assert_eq!(
        (told.field("action"), told.field("client")),
        (Some("listener_remove"), Some(id.as_str()))
    );
}

#[test]
fn an_end_that_could_not_be_told_is_told_once_the_server_is_back() {
    let (desk, away) = (Desk::open(), free_address());
    let radio = radio_with(|mount| {
        mount.listener_url = Some(desk.url.clone());
        mount.listener_url_remove = Some(format!("http://{away}/auth").into());
    });
    let mut stream = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    desk.next().answer("icecast-auth-user: 1\r\n");
    assert!(head(&mut stream).starts_with("HTTP/1.0 200 "));
    drop(stream);
    radio.wait_for_count(0);
    // Nobody was there when it left.
    std::thread::sleep(Duration::from_millis(200));
    let back = Desk::at(TcpListener::bind(away).unwrap());
    let told = back.next();
    assert_eq!(told.field("action"), Some("listener_remove"));
    told.answer("");
    // And not twice.
    assert!(back.asked.recv_timeout(Duration::from_secs(2)).is_err());
}

#[test]
fn the_address_may_hold_a_login_which_is_sent_and_never_shown() {
    let desk = Desk::open();
    let url = desk.url.reveal().replace("http://", "http://shop:hackme@");
    let radio = radio_with(|mount| mount.listener_url = Some(url.as_str().into()));
    let _stream = radio.send("GET /stream HTTP/1.1\r\n\r\n");
    let asked = desk.next();
    // `shop:hackme`
    assert!(asked.head.contains("authorization: Basic c2hvcDpoYWNrbWU=\r\n"), "{}", asked.head);

    let home = Home::new();
    let config = |scheme: &str, more: &str| {
        let address = format!("{scheme}://shop:hackme@127.0.0.1:1/auth{more}");
        let text = format!(
            "[[mount]]\nname = \"/stream\"\nlistener_url = \"{address}\"\nlistener_url_remove = \"{address}\"\n"
        );
        home.file("mounts.toml", text.as_bytes());
        home.run("--config mounts.toml config")
    };
    let shown = config("http", "?key=hackme2").done();
    assert!(shown.contains("http://shop:********@127.0.0.1:1/auth?********"), "{shown}");
    assert!(!shown.contains("hackme"), "{shown}");
    let refused = config("ftp", "").line(2);
    assert!(refused.contains("listener_url") && !refused.contains("hackme"), "{refused}");
}
