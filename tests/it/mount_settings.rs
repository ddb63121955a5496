//! What the configuration says about single mounts and about who may come, over real sockets.

use std::{io::Read, time::Duration};

use musicdb_stream::{config::MountSettings, icy::METAINT, server::ServerOptions};

use crate::support::{
    mp3::{Shape, frames},
    radio::{PATIENCE, Radio, options, rest, take_apart, wait_until},
    served::Served,
    source::{PASSWORD, Source},
};

fn main_mount(change: impl FnOnce(&mut MountSettings)) -> Vec<MountSettings> {
    let mut mount = MountSettings { name: "/stream".into(), ..MountSettings::default() };
    change(&mut mount);
    vec![mount]
}

fn status(radio: &Radio, headers: &str) -> String {
    let (head, _) = radio.listen("/stream", headers);
    head.split(' ').nth(1).unwrap().to_owned()
}

/// Ranges as the configuration has them.
macro_rules! ranges {
    ($($text:literal),*) => { vec![$($text.parse().unwrap()),*] };
}

#[test]
fn a_mount_has_a_limit_of_its_own_and_says_so_as_icecast_does() {
    let mounts = main_mount(|mount| mount.max_listeners = 1);
    let radio = Radio::on_air(ServerOptions { mounts, ..options() }, 40);
    let first = radio.listen("/stream", "");
    radio.wait_for_count(1);
    let (head, stream) = radio.listen("/stream", "");
    assert!(head.starts_with("HTTP/1.0 403 Forbidden\r\n"), "{head}");
    let words = "Too many clients on this mountpoint. Try again later.\r\n";
    assert_eq!(rest(stream), words.as_bytes());
    drop(first);
    radio.wait_for_count(0);
    assert_eq!(status(&radio, ""), "200");
}

#[test]
fn while_it_is_full_listeners_are_sent_to_the_relays_in_turn() {
    let relays = vec!["http://a.example:8000".to_owned(), "https://b.example/x/".to_owned()];
    let radio = Radio::on_air(ServerOptions { max_listeners: 1, relays, ..options() }, 40);
    let _first = radio.listen("/stream", "");
    radio.wait_for_count(1);
    let places = [
        "http://a.example:8000/stream",
        "https://b.example/x/stream",
        "http://a.example:8000/stream",
    ];
    for place in places {
        let (head, stream) = radio.listen("/stream?burst=1", "");
        assert!(head.starts_with("HTTP/1.0 302 Found\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nLocation: {place}\r\n")), "{head}");
        drop(stream);
    }
}

#[test]
fn one_address_that_has_enough_is_not_sent_elsewhere() {
    let relays = vec!["http://a.example".to_owned()];
    let radio = Radio::on_air(ServerOptions { max_per_address: 1, relays, ..options() }, 40);
    let _first = radio.listen("/stream", "");
    radio.wait_for_count(1);
    assert_eq!(status(&radio, ""), "403");
}

#[test]
fn a_trusted_proxy_says_whose_request_it_is() {
    let trusted_proxies = ranges!["127.0.0.0/8"];
    let options = ServerOptions { trusted_proxies, max_per_address: 1, ..options() };
    let radio = Radio::on_air(options, 40);
    let (_, _first) = radio.listen("/stream", "X-Forwarded-For: 10.9.9.9, 203.0.113.5\r\n");
    radio.wait_for_count(1);
    let listed = radio.listeners.list(std::time::Instant::now());
    assert_eq!(listed[0].address, "203.0.113.5");
    assert_eq!(
        status(&radio, "X-Forwarded-For: 203.0.113.5\r\n"),
        "403",
        "it counts as that address"
    );
    assert_eq!(status(&radio, "X-Forwarded-For: 203.0.113.6\r\n"), "200");
    let lines = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: radio.example\r\n";
    let (_, stream) = radio.listen("/stream.m3u", lines);
    assert_eq!(rest(stream), b"https://radio.example/stream\r\n");
}

#[test]
fn nobody_else_is_believed() {
    let options = ServerOptions { trusted_proxies: ranges!["192.0.2.1"], ..options() };
    let radio = Radio::on_air(options, 40);
    let lines =
        "X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n";
    let (_, _first) = radio.listen("/stream", lines);
    radio.wait_for_count(1);
    assert_eq!(radio.listeners.list(std::time::Instant::now())[0].address, "127.0.0.1");
    let (_, stream) = radio.listen("/stream.m3u", lines);
    assert_eq!(rest(stream), b"http://radio/stream\r\n");
}

#[test]
fn whoever_may_not_come_gets_403_for_everything() {
    let radio = Radio::on_air(ServerOptions { deny: ranges!["127.0.0.1"], ..options() }, 40);
    // It is told before it has said a word.
    let mut answer = String::new();
    radio.connect().read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 403 Forbidden\r\n"), "{answer}");
    let allow = ServerOptions { allow: ranges!["192.0.2.0/24"], ..options() };
    assert_eq!(status(&Radio::on_air(allow, 40), ""), "200", "this machine needs no permission");
}

#[test]
fn the_lists_hold_for_the_client_behind_a_proxy() {
    let radio = Radio::on_air(
        ServerOptions {
            trusted_proxies: ranges!["127.0.0.1"],
            allow: ranges!["203.0.113.0/24"],
            deny: ranges!["203.0.113.66"],
            ..options()
        },
        40,
    );
    for (client, expected) in
        [("203.0.113.5", "200"), ("203.0.113.66", "403"), ("192.0.2.1", "403")]
    {
        assert_eq!(status(&radio, &format!("X-Forwarded-For: {client}\r\n")), expected, "{client}");
    }
    let mut page = radio.send("GET / HTTP/1.1\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n");
    let mut answer = String::new();
    page.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 403 "), "pages too: {answer}");
}

#[test]
fn a_listeners_time_ends_by_itself() {
    let mounts = main_mount(|mount| mount.max_listener_seconds = 1);
    let radio = Radio::on_air(ServerOptions { mounts, ..options() }, 40);
    let begun = std::time::Instant::now();
    let (_, stream) = radio.listen("/stream", "");
    assert!(rest(stream) == radio.pushed, "the sound is whole");
    let lasted = begun.elapsed();
    assert!(lasted > Duration::from_millis(900) && lasted < PATIENCE, "{lasted:?}");
    radio.wait_for_count(0);
}

#[test]
fn a_mount_has_a_burst_and_words_of_its_own() {
    let mounts = main_mount(|mount| {
        mount.burst_seconds = Some(0.5);
        mount.stream_name = "Ours".into();
        mount.public = Some(true);
    });
    let radio = Radio::on_air(ServerOptions { mounts, ..options() }, 400);
    let (head, stream) = radio.listen("/stream", "");
    assert!(head.contains("\r\nicy-name:Ours\r\n") && head.contains("\r\nicy-pub:1\r\n"), "{head}");
    radio.relay.close();
    // Half a second at 44.1 kHz are 19.1 frames.
    assert!(rest(stream) == radio.pushed[radio.edges[400 - 19]..], "the burst differs");
}

#[test]
fn the_intro_comes_before_the_burst_and_titles_run_through_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("intro.mp3");
    let intro = frames(Shape::default(), 100).concat();
    std::fs::write(&file, &intro).unwrap();
    let mounts = main_mount(|mount| mount.intro = Some(file));
    let mut radio = Radio::start(ServerOptions { mounts, ..options() });
    radio.push(400, Some("now"));
    let plain = radio.listen("/stream", "").1;
    let titled = radio.listen("/stream", "Icy-MetaData: 1\r\n").1;
    // The burst is counted from when the intro has gone.
    let so_far = intro.len() + radio.pushed.len() - radio.edges[400 - 53];
    wait_until("both have the intro and the burst", || {
        radio.listeners.totals().bytes_sent >= 2 * so_far as u64
    });
    radio.push(60, Some("next"));
    radio.relay.close();
    // Of four seconds, 153 frames and a little, the intro leaves 53.
    let expected = [&intro, &radio.pushed[radio.edges[400 - 53]..]].concat();
    assert!(rest(plain) == expected, "the sound differs");
    let (audio, titles) = take_apart(&rest(titled), METAINT);
    assert!(audio == expected, "the sound between the titles differs");
    let next = intro.len() + radio.edges[400] - radio.edges[400 - 53];
    let first_after = next.next_multiple_of(METAINT);
    assert_eq!(titles, [(METAINT, "now".to_owned()), (first_after, "next".to_owned())]);
}

#[test]
fn a_mount_without_a_source_is_heard_by_its_fallback() {
    let live = MountSettings {
        name: "/live".into(),
        fallback: Some("/other".into()),
        ..MountSettings::default()
    };
    let other = MountSettings {
        name: "/other".into(),
        fallback: Some("/stream".into()),
        ..MountSettings::default()
    };
    let radio = Radio::on_air(ServerOptions { mounts: vec![live, other], ..options() }, 40);
    let (head, stream) = radio.listen("/live", "");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    let (_, playlist) = radio.listen("/live.m3u", "");
    assert_eq!(rest(playlist), b"http://radio/live\r\n", "under its own name");
    radio.wait_for_count(1);
    assert_eq!(radio.listeners.list(std::time::Instant::now())[0].mount, "/stream");
    radio.relay.close();
    assert!(rest(stream) == radio.pushed, "the sound is the fallback's");
}

#[test]
fn a_full_mount_refuses_though_it_has_a_fallback() {
    let live = MountSettings {
        name: "/live".into(),
        max_listeners: 1,
        fallback: Some("/stream".into()),
        ..MountSettings::default()
    };
    let source_password = PASSWORD.into();
    let options = ServerOptions { mounts: vec![live], source_password, ..options() };
    let radio = Radio::on_air(options, 40);
    let _source = Source::mp3(radio.address, "/live");
    let (first, _kept) = radio.listen("/live", "");
    assert!(first.starts_with("HTTP/1.0 200 "), "{first}");
    radio.wait_for_count(1);
    let second = radio.listen("/live", "").0;
    assert!(second.starts_with("HTTP/1.0 403 "), "{second}");
}

#[test]
fn a_hidden_mount_is_heard_and_shown_to_nobody_but_the_administrator() {
    let mount =
        |name: &str| MountSettings { name: name.into(), hidden: true, ..MountSettings::default() };
    let options = ServerOptions {
        mounts: vec![mount("/stream"), mount("/secret")],
        admin_password: "a".into(),
        relay_password: "r".into(),
        source_password: PASSWORD.into(),
        ..options()
    };
    let radio = Radio::on_air(options, 40);
    let _secret = Source::mp3(radio.address, "/secret");
    let _shown = Source::mp3(radio.address, "/shown");
    for path in ["/stream", "/secret", "/shown"] {
        assert!(radio.listen(path, "").0.starts_with("HTTP/1.0 200 "), "{path}");
    }
    let public = radio.ask("GET", "/status-json.xsl").1;
    let ask = |path: &str, login: &str| {
        let login = format!("Authorization: Basic {login}\r\n");
        String::from_utf8(rest(radio.listen(&format!("/admin/{path}"), &login).1)).unwrap()
    };
    // `admin:a` and `relay:r`.
    let (admin, relay) = ("YWRtaW46YQ==", "cmVsYXk6cg==");
    let [for_relays, as_xml] = ["streamlist.txt", "streamlist"].map(|path| ask(path, relay));
    assert_eq!(for_relays, "/shown\r\n");
    for told in [public, as_xml] {
        assert!(told.contains("/shown"), "{told}");
        assert!(!told.contains("/secret") && !told.contains("/stream"), "{told}");
    }
    assert_eq!(ask("streamlist.txt", admin), "/shown\r\n", "it is the relays' list");
    for path in ["stats", "listmounts", "streamlist"] {
        let told = ask(path, admin);
        for name in ["/stream", "/secret", "/shown"] {
            assert!(told.contains(&format!("<source mount=\"{name}\">")), "{path}: {told}");
        }
    }
}

#[test]
fn the_file_sets_all_of_it() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("radio.toml");
    let text = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\ndeny = [\"203.0.113.66\"]\n\
                [[mount]]\nname = \"/stream\"\nmax_listener_seconds = 1\nlistener_file = \"listeners\"\n\
                [[mount]]\nname = \"/live\"\nfallback = \"/stream\"\n";
    std::fs::write(&config, text).unwrap();
    // bob, who has no password.
    let hash = "bob:d41d8cd98f00b204e9800998ecf8427e";
    std::fs::write(home.path().join("listeners"), hash).unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let served = Served::start(&data, &[], &["--config", config.to_str().unwrap()]);
    let ask = |path: &str, line: &str| {
        let mut stream = std::net::TcpStream::connect(served.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: radio\r\n{line}\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let head = crate::support::radio::head(&mut stream);
        (head.split(' ').nth(1).unwrap().to_owned(), stream)
    };
    assert_eq!(ask("/stream", "").0, "401");
    assert_eq!(ask("/stream", "X-Forwarded-For: 203.0.113.66\r\n").0, "403");
    let (status, stream) = ask("/stream?user=bob&pass=", "");
    assert_eq!(status, "200");
    let (status, _open) = ask("/live", "");
    assert_eq!(status, "200", "the mount that was asked for says who may listen");
    // Its second is over before the patience is.
    drop(rest(stream));
}
