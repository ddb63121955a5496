//! The Icecast output against the real Icecast 2.4.4.

use std::{
    io::Read,
    sync::Arc,
    time::{Duration, Instant},
};

use musicdb_stream::icecast::{Target, Tls};

use crate::support::{
    air::{FRAME_LEN, OnAir, frames},
    tools::Icecast,
};

/// Pushes groups of four frames in real time, as the station does, until `done`.
fn play_until(air: &mut OnAir, done: impl Fn(&OnAir) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done(air) {
        assert!(Instant::now() < deadline, "the link is {:?}", air.link());
        air.push(4);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "needs icecast2"]
fn icecast_takes_put_and_its_listeners_hear_our_frames_byte_for_byte() {
    let icecast = Icecast::start();
    let mut air = OnAir::start(icecast.target());
    air.wait_up(1);
    air.push(200);
    icecast.wait_status(|status| status.contains("/stream"));
    let (head, mut listener) = icecast.listen("/stream");
    assert!(head.starts_with("HTTP/1.0 200 OK"), "{head}");
    assert!(head.contains("Content-Type: audio/mpeg"), "{head}");
    let first = air.push(200);
    // Icecast hands on whole blocks of 4,096 bytes: what is left of the last one waits.
    let mut heard = Vec::new();
    while heard.len() < 300 * FRAME_LEN {
        let mut buffer = [0; 4096];
        let read = listener.read(&mut buffer).unwrap();
        assert!(read > 0, "Icecast ended: {}", icecast.log());
        heard.extend_from_slice(&buffer[..read]);
    }
    // Its burst begins anywhere; from there on nothing may be missing or added.
    let sent = frames(0, first + 200);
    let begins = sent.windows(FRAME_LEN).position(|part| part == &heard[..FRAME_LEN]).unwrap();
    assert!(heard == sent[begins..begins + heard.len()], "what is heard is not what was sent");
    let log = icecast.log();
    assert!(air.link().up && air.link().ups == 1, "{log}");
}

#[test]
#[ignore = "needs icecast2"]
fn name_and_title_appear_in_the_status_with_umlauts_and_cjk() {
    let icecast = Icecast::start();
    let mut air = OnAir::start(icecast.target());
    air.push(4);
    air.titles.send_replace(Arc::from("Käse & Brot + 50% – 音楽"));
    air.wait_up(1);
    let status = icecast.wait_status(|status| {
        air.push(40);
        status.contains("\"title\"")
    });
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let source = &status["icestats"]["source"];
    assert_eq!(source["title"], "Käse & Brot + 50% – 音楽");
    assert_eq!(source["server_name"], "Käse & Co");
    air.titles.send_replace(Arc::from("next"));
    // It takes the title over while it reads the stream.
    icecast.wait_status(|status| {
        air.push(40);
        status.contains("\"title\":\"next\"")
    });
}

/// Icecast 2.4 keeps the titles of MP3 mounts in Latin-1 unless the mount has a `<charset>`; what
/// Latin-1 lacks becomes a character reference, which no client can do anything about.
#[test]
#[ignore = "needs icecast2"]
fn on_a_mount_without_a_charset_umlauts_arrive_and_cjk_as_references() {
    let icecast = Icecast::start();
    let mut air = OnAir::start(Target { mount: "/latin".to_owned(), ..icecast.target() });
    air.titles.send_replace(Arc::from("Käse 音"));
    air.wait_up(1);
    icecast.wait_status(|status| {
        air.push(40);
        status.contains("\"title\":\"Käse &#38899;\"")
    });
}

#[test]
#[ignore = "needs icecast2"]
fn a_wrong_password_is_named() {
    let icecast = Icecast::start();
    let target = Target { password: "wrong-secret".to_owned(), ..icecast.target() };
    let reason = OnAir::start(target).wait_reason("401");
    assert!(!reason.contains("wrong-secret"), "{reason}");
}

#[test]
#[ignore = "needs icecast2"]
fn a_mount_in_use_is_named_and_taken_once_it_is_free() {
    let icecast = Icecast::start();
    let first = OnAir::start(icecast.target());
    first.wait_up(1);
    let mut second = OnAir::start(icecast.target());
    let reason = second.wait_reason("in use");
    assert!(reason.contains("/stream") && reason.contains("(403)"), "{reason}");
    let stopped_in = first.stop();
    let began = Instant::now();
    play_until(&mut second, |air| air.link().up);
    assert!(stopped_in < Duration::from_secs(1), "{stopped_in:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
#[ignore = "needs icecast2"]
fn a_killed_icecast_is_noticed_at_once_and_joined_within_a_second_of_its_return() {
    let mut icecast = Icecast::start();
    let mut air = OnAir::start(icecast.target());
    air.titles.send_replace(Arc::from("on and on"));
    air.push(4);
    air.wait_up(1);
    play_until(&mut air, |air| air.relay.next_frame() > 100);
    let killed = Instant::now();
    icecast.kill();
    air.wait_link(|link| !link.up);
    assert!(killed.elapsed() < Duration::from_millis(200), "{:?}", killed.elapsed());
    air.wait_reason("nobody listens");
    let accepts = icecast.start_again();
    air.wait_up(2);
    let took = accepts.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    icecast.wait_status(|status| {
        air.push(40);
        status.contains("on and on")
    });
}

#[test]
#[ignore = "needs icecast2"]
fn tls_auto_ends_up_plain_at_an_icecast_without_tls() {
    let icecast = Icecast::start();
    let mut target = Target { tls: Tls::Auto, ..icecast.target() };
    target.limits.tls = Duration::from_millis(500);
    let mut air = OnAir::start(target);
    air.wait_up(1);
    icecast.wait_status(|status| {
        air.push(40);
        status.contains("/stream")
    });
}
