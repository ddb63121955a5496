//! Passwords that are guessed at: whichever door they are tried at, an address has few tries.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use musicdb_stream::{config::MountSettings, server::ServerOptions};
use socket2::{Domain, Socket, Type};

use crate::support::{
    home::Home,
    radio::{PATIENCE, Radio, head, options},
};

/// As many as an address may have in a minute.
const TRIES: usize = 10;
/// An address that has nothing to do with it.
const OTHER: [u8; 4] = [127, 0, 0, 9];

/// A mount for everybody, one whose listeners log in by a file, and a password for each door.
fn radio(folder: &tempfile::TempDir) -> Radio {
    let file = folder.path().join("listeners");
    // The MD5 of `hackme`.
    fs::write(&file, "ann:23b4222d2613a2765d4d432d2d65e88e\n").unwrap();
    let locked = MountSettings {
        name: "/locked".into(),
        fallback: Some("/stream".into()),
        listener_file: Some(file),
        ..MountSettings::default()
    };
    let options = ServerOptions {
        admin_password: "a".into(),
        source_password: "s".into(),
        relay_password: "r".into(),
        mounts: vec![locked],
        ..options()
    };
    Radio::on_air(options, 40)
}

fn connect(server: SocketAddr, from: [u8; 4]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The head of the answer to a request with this login.
fn asked(radio: &Radio, from: [u8; 4], line: &str, login: &str) -> String {
    let mut stream = connect(radio.address, from);
    let login = STANDARD.encode(login);
    let head_lines = format!("Authorization: Basic {login}\r\nContent-Type: audio/mpeg\r\n");
    stream.write_all(format!("{line} HTTP/1.0\r\n{head_lines}\r\n").as_bytes()).unwrap();
    head(&mut stream)
}

/// Each door: its request, a wrong login and the right one.
const DOORS: [(&str, &str, &str); 7] = [
    ("GET /admin/stats", "admin:wrong", "admin:a"),
    ("GET /admin/streamlist.txt", "relay:wrong", "relay:r"),
    ("GET /admin/metadata?mount=/stream&mode=updinfo", "source:wrong", "source:s"),
    ("SOURCE /live", "source:wrong", "source:s"),
    ("PUT /live", "source:wrong", "source:s"),
    ("GET /locked", "ann:wrong", "ann:hackme"),
    ("HEAD /locked", "bob:hackme", "ann:hackme"),
];

#[test]
fn at_every_door_an_address_has_ten_tries_in_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let radio = radio(&folder);
    for (host, (line, wrong, right)) in (20..).zip(DOORS) {
        let from = [127, 0, 0, host];
        for n in 0..TRIES {
            let refused = asked(&radio, from, line, wrong);
            assert!(refused.starts_with("HTTP/1.0 401 "), "{line} {n}: {refused}");
            assert!(!refused.contains("Retry-After"), "{line} {n}: {refused}");
        }
        let locked = asked(&radio, from, line, right);
        assert!(locked.starts_with("HTTP/1.0 401 "), "{line}: {locked}");
        assert!(locked.contains("\r\nRetry-After: "), "{line}: {locked}");
        let other = asked(&radio, OTHER, line, right);
        assert!(other.starts_with("HTTP/1.0 200 "), "{line}: {other}");
    }
}

#[test]
fn tries_that_come_all_at_once_are_no_more_than_a_few_tries() {
    let folder = tempfile::tempdir().unwrap();
    let radio = radio(&folder);
    let login = STANDARD.encode("ann:wrong");
    let mut streams: Vec<_> = (0..200).map(|_| connect(radio.address, [127, 0, 0, 6])).collect();
    for stream in &mut streams {
        write!(stream, "GET /locked HTTP/1.0\r\nAuthorization: Basic {login}\r\n\r\n").unwrap();
    }
    let answers = streams.iter_mut().map(head);
    let looked_at = answers.filter(|answer| !answer.contains("\r\nRetry-After: ")).count();
    // Four passwords are looked at at once; the next four may begin before those four are counted.
    assert!((TRIES..=TRIES + 8).contains(&looked_at), "{looked_at}");
}

#[test]
fn what_was_tried_at_one_door_counts_at_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let radio = radio(&folder);
    let from = [127, 0, 0, 8];
    for (line, wrong, _) in DOORS.iter().cycle().take(TRIES) {
        assert!(asked(&radio, from, line, wrong).starts_with("HTTP/1.0 401 "));
    }
    for (line, _, right) in DOORS {
        assert!(asked(&radio, from, line, right).contains("\r\nRetry-After: "), "{line}");
    }
    // The names of a query are a login too; who brings none may listen where none is wanted.
    let status = |path: &str| {
        let mut stream = connect(radio.address, from);
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        head(&mut stream)
    };
    assert!(status("/locked?user=ann&pass=hackme").contains("\r\nRetry-After: "));
    assert!(status("/stream").starts_with("HTTP/1.0 200 "));
    assert!(status("/stream?user=ann&pass=x").starts_with("HTTP/1.0 200 "));
}

#[test]
fn tokens_of_the_api_that_are_guessed_at_are_not_looked_at_any_more() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--paused"]);
    let ask = |method: &str, path: &str, headers: &str, from: [u8; 4]| {
        let mut stream = connect(served.address, from);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n",
            served.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let from = [127, 0, 0, 7];
    let right = format!("Authorization: Bearer {}\r\n", served.token);
    // This one may be read without a token, and tells more to those who have it.
    let more = |answer: &str| answer.contains("\"unplayable\"");
    let scanned = || ask("GET", "/api/v1/scan", &right, OTHER);
    crate::support::radio::wait_until("the scan is over", || more(&scanned()));
    for _ in 0..TRIES / 2 {
        assert!(!more(&ask("GET", "/api/v1/scan", "Authorization: Bearer wrong\r\n", from)));
        let refused = ask("POST", "/api/v1/next", "Authorization: Bearer wrong\r\n", from);
        assert!(refused.starts_with("HTTP/1.1 401 ") && !refused.contains("retry-after"));
    }
    let locked = ask("POST", "/api/v1/next", &right, from);
    assert!(
        locked.starts_with("HTTP/1.1 401 ") && locked.contains("\r\nretry-after: "),
        "{locked}"
    );
    assert!(locked.contains("\"unauthorized\"") && !locked.contains(&served.token), "{locked}");
    assert!(ask("POST", "/api/v1/next", &right, OTHER).starts_with("HTTP/1.1 200 "));
    assert!(!more(&ask("GET", "/api/v1/scan", &right, from)));
    // Reading on this machine needs no token.
    assert!(ask("GET", "/api/v1/state", "", from).starts_with("HTTP/1.1 200 "));
}

/// What a password is compared in: elsewhere it cannot even be seen.
#[test]
fn passwords_are_compared_in_constant_time_alone() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = |folder: &str| {
        let entries = walkdir::WalkDir::new(src.join(folder)).into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().is_file());
        files.map(|entry| (entry.path().to_owned(), fs::read_to_string(entry.path()).unwrap()))
    };
    let sees = [".reveal()", ".password()", "self.token"];
    let all = files("server").chain(files("web"));
    let seeing = all.filter(|(_, text)| sees.iter().any(|word| text.contains(word)));
    let mut found: Vec<String> = Vec::new();
    for (path, text) in seeing {
        let name = path.strip_prefix(&src).unwrap().display().to_string();
        // The server that is asked about listeners gets what they sent, at an address that may hold
        // a password; nothing is compared there.
        let hands_on = ["server/gate/auth_server.rs", "server/gate/session.rs"];
        assert!(text.contains(".ct_eq(") || hands_on.contains(&name.as_str()), "{name}");
        found.push(name);
    }
    found.sort();
    let expected = [
        "server/gate/auth_server.rs",
        "server/gate/password_file.rs",
        "server/gate/session.rs",
        "server/login.rs",
        "web/access.rs",
    ];
    assert_eq!(found, expected);
}
