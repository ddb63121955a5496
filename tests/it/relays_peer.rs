//! Growing past one machine with real Icecasts, configured as docs/operating.md shows it.

#![cfg(unix)]

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Instant,
};

use crate::support::{
    home::Home,
    matrix::{Shelf, known, wait_playing, wait_until},
    players::{PATIENCE, Player},
    radio::{head, take_apart},
    record::{Songs, Take},
    served::Served,
    tools::{Icecast, SOURCE_PASSWORD, free_address},
};

/// What stands in a fenced block of docs/operating.md that begins with this line.
fn snippet(first_line: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let document = fs::read_to_string(path).unwrap();
    let mut lines = document.lines().skip_while(|line| *line != first_line).peekable();
    assert!(lines.peek().is_some(), "docs/operating.md shows no {first_line}");
    lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect()
}

/// Puts `new` in the place of `old`, which the document must have.
fn put(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "no {old} in\n{text}");
    text.replace(old, new)
}

/// What an Icecast of the document is.
enum Part {
    /// A relay of one mount of this server.
    Relay(SocketAddr),
    /// A relay of every mount of this server.
    Slave(SocketAddr),
    /// Fetches from nobody.
    Master,
}

/// The document's icecast.xml, with this test's ports and paths in place of an operator's.
fn icecast(part: &Part) -> Icecast {
    let mut text = snippet("<!-- /etc/icecast2/icecast.xml of a relay -->");
    let (relay, mount) = (element(&text, "<relay>"), element(&text, "<mount type=\"normal\">"));
    let fetches = match part {
        Part::Relay(server) => here(&relay, "server", "port", *server),
        Part::Slave(server) => {
            let slave =
                snippet("<!-- in place of <relay> and <mount> in the icecast.xml above -->");
            text = put(&text, &mount, "");
            here(&slave, "master-server", "master-server-port", *server)
        }
        Part::Master => String::new(),
    };
    text = put(&text, &relay, &fetches).replace("SOURCE_PASSWORD", SOURCE_PASSWORD);
    text = text.replace("RELAY_PASSWORD", RELAY_PASSWORD);
    Icecast::configured(|address, directory| {
        let socket = element(&text, "<listen-socket>");
        let port = address.port();
        let here = format!("<port>{port}</port><bind-address>127.0.0.1</bind-address>");
        let text = put(&text, &socket, &put(&socket, "<port>8000</port>", &here));
        let directory = directory.display();
        let base = "<basedir>/usr/share/icecast2</basedir>";
        let text = put(&text, base, &format!("<basedir>{directory}</basedir>"));
        let log = "<logdir>/var/log/icecast2</logdir>";
        put(&text, log, &format!("<logdir>{directory}</logdir>"))
    })
}

/// The first element with this opening tag, whole.
fn element(text: &str, opening: &str) -> String {
    let name = opening.trim_matches(['<', '>']).split(' ').next().unwrap();
    let from = text.find(opening).unwrap_or_else(|| panic!("no {opening} in\n{text}"));
    let end = format!("</{name}>");
    let len = text[from..].find(&end).unwrap() + end.len();
    text[from..from + len].to_owned()
}

/// The same with this server in place of the document's.
fn here(text: &str, host: &str, port: &str, server: SocketAddr) -> String {
    let text = put(
        text,
        &format!("<{host}>radio.example.org</{host}>"),
        &format!("<{host}>127.0.0.1</{host}>"),
    );
    let new = format!("<{port}>{}</{port}>", server.port());
    put(&text, &format!("<{port}>8000</{port}>"), &new)
}

const RELAY_PASSWORD: &str = "relay-secret";

/// Tables of the document for this program, for this test's addresses.
fn tables(first_line: &str, changes: &[(&str, &str)]) -> String {
    // The tests' own configuration listens elsewhere.
    let text = snippet(first_line);
    let text = text.lines().filter(|line| !line.starts_with("listen ="));
    let text: String = text.map(|line| format!("{line}\n")).collect();
    changes.iter().fold(text, |text, (old, new)| put(&text, old, new))
}

/// What a listener hears in `bytes` of sound from a mount: the sound, and the titles that came.
fn hear(address: SocketAddr, mount: &str, bytes: usize) -> Option<(Vec<u8>, Vec<String>)> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(socket, "GET {mount} HTTP/1.0\r\nHost: {address}\r\nIcy-MetaData: 1\r\n\r\n").ok()?;
    let head = head(&mut socket).to_lowercase();
    if !head.contains(" 200 ok") {
        return None;
    }
    let interval = head.lines().find_map(|line| line.strip_prefix("icy-metaint:")).unwrap();
    let mut body = vec![0; bytes];
    socket.read_exact(&mut body).ok()?;
    let (sound, titles) = take_apart(&body, interval.trim().parse().unwrap());
    Some((sound, titles.into_iter().map(|(_, title)| title).collect()))
}

/// Asserts that a listener there hears whole frames of the songs, one behind the other, under their
/// titles.
fn assert_hears_the_songs(shelf: &Shelf, address: SocketAddr, mount: &str) {
    // Ten seconds and a burst: at least two songs' titles.
    let (sound, titles) = hear(address, mount, 224_000).expect("the relay has no such mount");
    let verdict = Songs::read(&shelf.files())
        .compare(&[Take { bytes: sound, arrivals: vec![(0, Instant::now())] }]);
    println!("{verdict:?} {titles:?}");
    assert_eq!((verdict.foreign_bytes, verdict.repeated, verdict.gaps.len()), (0, 0, 0));
    assert!(verdict.song_frames > 400, "{verdict:?}");
    let shown: Vec<&String> = titles.iter().filter(|title| !title.is_empty()).collect();
    assert!(shown.len() > 1, "titles: {titles:?}");
    assert!(shown.iter().all(|title| known(title) == "a song's title"), "titles: {titles:?}");
}

/// Waits until an Icecast shows a title on a mount, which it only does with a source.
fn wait_on_air(icecast: &Icecast, mount: &str) {
    wait_until("the relay is on the air", || {
        let status = icecast.wait_status(|_| true);
        status.contains(&format!("{mount}\"")) && status.contains("\"title\":")
    });
}

/// The program takes these tables; otherwise what needs them is left out, and said so.
fn knows(tables: &str, what: &str) -> bool {
    let home = Home::new();
    home.file("probe.toml", tables.as_bytes());
    let knows = home.run("--config probe.toml config").code == 0;
    if !knows {
        eprintln!("left out: {what}, which this version has not");
    }
    knows
}

#[test]
#[ignore = "needs icecast2 and lame"]
fn a_stock_icecast_relays_our_mount_and_is_back_soon_after_we_are() {
    let (shelf, listen) = (Shelf::new(), free_address().to_string());
    let served = shelf.serve(&listen, "");
    wait_playing(&served);
    let relay = icecast(&Part::Relay(served.address));
    wait_on_air(&relay, "/stream");
    assert_hears_the_songs(&shelf, relay.address, "/stream");
    served.kill();
    // From its second attempt on it waits as long as the document says.
    wait_until("the relay finds nobody", || relay.log().contains("Failed to connect"));
    assert!(!relay.wait_status(|_| true).contains("\"title\":"));
    let served = shelf.serve(&listen, "");
    wait_playing(&served);
    wait_on_air(&relay, "/stream");
    assert_hears_the_songs(&shelf, relay.address, "/stream");
}

#[test]
#[ignore = "needs icecast2 and lame"]
fn slaves_find_our_mounts_by_themselves() {
    let tables = tables("# a station with slaves", &[("RELAY_PASSWORD", RELAY_PASSWORD)]);
    if !knows(&tables, "the list of mounts for slaves") {
        return;
    }
    let shelf = Shelf::new();
    let served = shelf.serve("127.0.0.1:0", &tables);
    wait_playing(&served);
    let slave = icecast(&Part::Slave(served.address));
    wait_on_air(&slave, "/stream");
    assert_hears_the_songs(&shelf, slave.address, "/stream");
}

#[test]
#[ignore = "needs icecast2 and lame"]
fn behind_a_stock_master_that_we_send_to_relays_have_sound_and_titles() {
    let master = icecast(&Part::Master);
    let shelf = Shelf::new();
    let port = format!("port = {}", master.address.port());
    let tables = tables(
        "# a station that sends to a master",
        &[
            ("radio.example.org", "127.0.0.1"),
            ("port = 8000", &port),
            ("SOURCE_PASSWORD", SOURCE_PASSWORD),
        ],
    );
    let served = shelf.serve("127.0.0.1:0", &tables);
    wait_playing(&served);
    wait_on_air(&master, "/stream");
    let relay = icecast(&Part::Relay(master.address));
    wait_on_air(&relay, "/stream");
    assert_hears_the_songs(&shelf, relay.address, "/stream");
}

#[test]
#[ignore = "needs icecast2, lame and curl"]
fn who_finds_no_place_is_sent_to_a_relay() {
    let (shelf, listen) = (Shelf::new(), free_address());
    let tables = tables("# a station that sends on whom it has no place for", &[]);
    if !knows(&tables, "sending listeners on to relays") {
        return;
    }
    // The relay has to be there before its address can be told, and fetches from where we will be.
    let relay = icecast(&Part::Relay(listen));
    let (to, one) = (relay.address.to_string(), ("max_listeners = 2000", "max_listeners = 2"));
    let tables =
        put(&put(&tables, one.0, one.1), "http://relay1.example.org:8000", &format!("http://{to}"));
    let served = shelf.serve(&listen.to_string(), &tables);
    wait_playing(&served);
    wait_on_air(&relay, "/stream");
    // The relay itself has one of the two places.
    let url = format!("http://{}/stream", served.address);
    let mut first = Player::start("curl", &["-sS", "-o", "sound", &url]);
    wait_until("both places are taken", || listeners(&served) == 2);
    let words = ["-s", "--max-time", "5", "-o", "sound", "-w", "\n= %{http_code} %{redirect_url}"];
    let (said, _) = Player::run("curl", &[&words[..], &[&url]].concat());
    assert!(said.contains(&format!("= 302 http://{to}/stream")), "{said}");
    let mut second = Player::start("curl", &["-sSL", "--max-time", "5", "-o", "sound", &url]);
    assert_eq!(second.wait(), 28, "{}", second.said());
    let sound = fs::metadata(second.home().join("sound")).unwrap().len();
    assert!(sound > 5 * 16_000, "{sound} bytes through the relay");
    assert!(first.wait_for(std::time::Duration::ZERO).is_none(), "{}", first.said());
}

fn listeners(served: &Served) -> u64 {
    served.state()["listeners"].as_u64().unwrap()
}
