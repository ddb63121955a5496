//! Titles at a fake Icecast: exact, newest first, and never a reason to end the stream.

use std::sync::Arc;

use musicdb_stream::icecast::Target;

use crate::support::{
    air::{FRAME_LEN, OnAir, frames},
    fake_icecast::{Act, CONTINUE_AND_OK, FakeIcecast, TITLE_TAKEN},
};

#[test]
fn item_19_a_title_arrives_exactly_with_the_source_login() {
    let server = FakeIcecast::start([]);
    let air = OnAir::start(server.target());
    air.titles.send_replace(Arc::from("Käse & Brot + 50% – 音楽"));
    let head = server.wait("the title", |state| state.titles.first().cloned());
    let line = "GET /admin/metadata?mode=updinfo&mount=%2Fstream&song=K%C3%A4se%20%26%20Brot%20%2B\
                %2050%25%20%E2%80%93%20%E9%9F%B3%E6%A5%BD&charset=UTF-8 HTTP/1.1\r\n";
    assert!(head.starts_with(line), "{head}");
    assert!(head.to_lowercase().contains("authorization: basic c291cmnlomhhy2ttzq=="), "{head}");
}

#[test]
fn item_19_a_failing_title_never_ends_the_stream_and_is_tried_again() {
    const UNKNOWN: &str = "HTTP/1.0 400 Source does not exist\r\n\r\n";
    const ERROR: &str = "HTTP/1.0 500 Oops\r\n\r\n";
    let server = FakeIcecast::start([]);
    server.change(|state| state.title_answers.extend([UNKNOWN, ERROR, TITLE_TAKEN]));
    let mut air = OnAir::start(server.target());
    air.titles.send_replace(Arc::from("one"));
    server.wait("three tries", |state| (state.titles.len() >= 3).then_some(()));
    let first = air.push(4);
    assert_eq!(server.wait_body(0, 4 * FRAME_LEN), frames(first, first + 4));
    assert!(air.link().up && air.link().ups == 1);
    // It was taken: the next request is for the next title.
    air.titles.send_replace(Arc::from("two"));
    let titles = server
        .wait("the next title", |state| (state.titles.len() >= 4).then(|| state.titles.clone()));
    assert!(titles[2].contains("song=one&") && titles[3].contains("song=two&"), "{titles:?}");
}

#[test]
fn a_title_that_was_refused_for_its_login_waits_for_the_next() {
    let server = FakeIcecast::start([]);
    server.change(|state| state.title_answers.push_back("HTTP/1.0 401 No\r\n\r\n"));
    let air = OnAir::start(server.target());
    air.titles.send_replace(Arc::from("one"));
    server.wait("the first", |state| state.titles.first().map(|_| ()));
    air.titles.send_replace(Arc::from("two"));
    let titles =
        server.wait("the second", |state| (state.titles.len() >= 2).then(|| state.titles.clone()));
    assert!(titles[1].contains("song=two&"), "{titles:?}");
    assert!(air.link().up);
}

#[test]
fn the_title_is_sent_again_after_a_reconnect_and_an_empty_one_never() {
    let server = FakeIcecast::start([Act::AcceptThenClose(CONTINUE_AND_OK, 1)]);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    air.titles.send_replace(Arc::from("still on"));
    server.wait("the title", |state| state.titles.first().map(|_| ()));
    air.push(1);
    air.wait_up(2);
    let titles =
        server.wait("it again", |state| (state.titles.len() >= 2).then(|| state.titles.clone()));
    assert!(titles.iter().all(|title| title.contains("song=still%20on&")), "{titles:?}");
}

#[test]
fn a_server_that_wants_post_gets_the_title_by_post() {
    let server = FakeIcecast::start([]);
    let strict = "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
    server.change(|state| state.title_answers.push_back(strict));
    let air = OnAir::start(server.target());
    air.titles.send_replace(Arc::from("a b"));
    let title = server.wait("a POST", |state| state.titles.get(1).cloned());
    assert!(title.starts_with("POST /admin/metadata HTTP/1.1\r\n"), "{title}");
    assert!(title.ends_with("mode=updinfo&mount=%2Fstream&song=a%20b&charset=UTF-8"), "{title}");
    assert!(air.link().up);
}

#[test]
fn no_title_and_no_name_can_inject_a_header() {
    let server = FakeIcecast::start([]);
    let evil = "x\r\nIce-Evil: 1\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    let target = Target { name: evil.to_owned(), genre: evil.to_owned(), ..server.target() };
    let mut air = OnAir::start(target);
    air.titles.send_replace(Arc::from(evil));
    let title = server.wait("the title", |state| state.titles.first().cloned());
    assert!(!title.contains("\nIce-Evil"), "{title}");
    air.push(1);
    assert_eq!(server.wait_body(0, FRAME_LEN), frames(0, 1));
    let head = server.wait("the head", |state| state.visits.first().map(|v| v.head.clone()));
    assert!(!head.contains("\nIce-Evil"), "{head}");
}
