//! The Icecast output against a fake server that answers as Icecast 2.4.4 and 2.5.0 do.
//!
//! Icecast 2.5 has no package to test with yet; what it does differently (`100 Continue` alone, 409,
//! 415, 429 and 503) is known from its source and only played here.

use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use musicdb_stream::{
    icecast::{Target, Tls},
    net::backoff::Schedule,
};

use crate::support::{
    air::{FRAME_LEN, OnAir, frames},
    fake_icecast::{Act, CONTINUE, CONTINUE_AND_OK, FakeIcecast, OK, authority},
};

fn refusal(status: &str, text: &str) -> Act {
    Act::Refuse(format!(
        "HTTP/1.0 {status}\r\nContent-Type: text/html\r\n\r\n<html><b>{text}</b></html>\r\n"
    ))
}

/// The server accepts, and what is pushed afterwards reaches it byte for byte.
fn takes_the_stream(server: &FakeIcecast, visit: usize) {
    let mut air = OnAir::start(server.target());
    air.push(1);
    air.wait_up(1);
    let first = air.push(4);
    air.push(4);
    assert_eq!(server.wait_body(visit, 8 * FRAME_LEN), frames(first, first + 8));
}

#[test]
fn item_17_100_and_200_as_icecast_2_4_answers() {
    let server = FakeIcecast::start([Act::Accept(CONTINUE_AND_OK)]);
    takes_the_stream(&server, 0);
    let head = server.wait("a head", |state| state.visits.first().map(|v| v.head.clone()));
    assert!(head.starts_with("PUT /stream HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Authorization: Basic c291cmNlOmhhY2ttZQ==\r\n"), "{head}");
}

#[test]
fn item_17_200_only() {
    takes_the_stream(&FakeIcecast::start([Act::Accept(OK)]), 0);
}

#[test]
fn item_17_100_only_until_the_end_as_icecast_2_5_answers() {
    takes_the_stream(&FakeIcecast::start([Act::Accept(CONTINUE)]), 0);
}

#[test]
fn item_17_401_names_user_and_remedy_and_never_the_password() {
    let server = FakeIcecast::start(vec![refusal("401 Authentication Required", "no"); 50]);
    let air = OnAir::start(server.target());
    let reason = air.wait_reason("401");
    assert!(reason.contains("\"source\"") && reason.contains("icecast.password"), "{reason}");
    assert!(!reason.contains("hackme"), "{reason}");
    assert!(reason.contains(&server.address.to_string()), "{reason}");
}

#[test]
fn after_a_refusal_for_its_login_it_waits_as_long_as_such_a_refusal_demands() {
    let server = FakeIcecast::start([refusal("401 Authentication Required", "no")]);
    let mut target = server.target();
    let never = Duration::from_secs(3600);
    let refused = Duration::from_millis(300);
    target.limits.retry = Schedule { soon: never, young: never, later: never, refused };
    let began = Instant::now();
    let air = OnAir::start(target);
    air.wait_up(1);
    assert!(began.elapsed() >= refused, "{:?}", began.elapsed());
}

#[test]
fn item_17_403_in_use_is_named_and_tried_until_the_mount_comes_free() {
    let busy = refusal("403 Forbidden", "Mountpoint in use");
    let server = FakeIcecast::start([busy.clone(), busy.clone(), busy]);
    let mut air = OnAir::start(server.target());
    let reason = air.wait_link(|link| link.reason.is_some() || link.up).reason;
    assert!(reason.is_none_or(|reason| reason.contains("/stream") && reason.contains("in use")));
    air.wait_up(1);
    let first = air.push(2);
    assert_eq!(server.wait_body(3, 2 * FRAME_LEN), frames(first, first + 2));
}

#[test]
fn every_refusal_of_both_icecast_generations_has_its_own_reason() {
    for (status, text, word) in [
        ("403 Forbidden", "too many sources connected", "too many sources (403)"),
        ("403 Forbidden", "Icecast connection limit reached", "too many connections (403)"),
        ("403 Forbidden", "Content-type not supported", "does not take audio/mpeg"),
        ("403 Forbidden", "No Content-type given", "does not take audio/mpeg"),
        ("403 Forbidden", "internal format allocation problem", "format allocation problem"),
        ("409 Conflict", "Mountpoint in use", "is in use (409)"),
        ("415 Unsupported Media Type", "no", "does not take audio/mpeg on /stream (415)"),
        ("429 Too Many Requests", "no", "(429)"),
        ("503 Service Unavailable", "too many sources connected", "too many sources (503)"),
        ("503 Service Unavailable", "later", "is busy (503)"),
        ("500 Internal Server Error", "no", "500"),
    ] {
        let server = FakeIcecast::start(vec![refusal(status, text); 200]);
        OnAir::start(server.target()).wait_reason(word);
    }
}

#[test]
fn a_refusal_right_behind_100_continue_is_told_as_one_and_never_as_connected() {
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 403 Forbidden\r\n\r\nMountpoint in use";
    let server = FakeIcecast::start(vec![Act::Refuse(answer.to_owned()); 200]);
    let air = OnAir::start(server.target());
    let link = air.wait_link(|link| link.up || link.reason.is_some());
    assert!(!link.up && link.reason.as_ref().is_some_and(|r| r.contains("in use")), "{link:?}");
}

#[test]
fn item_17_closed_during_the_handshake_is_answered_with_source_which_is_remembered() {
    let script = [Act::Close, Act::AcceptThenClose(OK, 10), Act::Accept(OK)];
    let server = FakeIcecast::start(script);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    air.push(1);
    air.wait_up(2);
    let heads = server.wait("three visits", |state| {
        (state.visits.len() >= 3)
            .then(|| state.visits.iter().map(|visit| visit.head.clone()).collect::<Vec<_>>())
    });
    let methods: Vec<_> = heads.iter().map(|head| head.split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["PUT", "SOURCE", "SOURCE"]);
    assert!(heads[1].starts_with("SOURCE /stream HTTP/1.0\r\n"), "{}", heads[1]);
    assert!(!heads[1].contains("Expect"), "{}", heads[1]);
}

#[test]
fn a_server_that_refuses_put_gets_source_at_once() {
    for status in [
        "400 Bad Request",
        "405 Method Not Allowed",
        "417 Expectation Failed",
        "501 Not Implemented",
    ] {
        let server = FakeIcecast::start([refusal(status, "no"), Act::Accept(OK)]);
        takes_the_stream(&server, 1);
    }
}

#[test]
fn a_server_that_closes_on_both_methods_is_named() {
    let server = FakeIcecast::start(vec![Act::Close; 100]);
    OnAir::start(server.target()).wait_reason("closed the connection without an answer");
}

#[test]
fn item_17_a_silent_server_is_noticed_by_time_out_and_named() {
    let server = FakeIcecast::start(vec![Act::Silence; 100]);
    let mut target = server.target();
    target.limits.answer = Duration::from_millis(20);
    let reason = OnAir::start(target).wait_reason("is silent");
    assert!(reason.contains("0.02 s"), "{reason}");
    assert_eq!(Target::default().limits.answer, Duration::from_secs(4));
}

#[test]
fn what_is_no_icecast_is_told_so() {
    let server = FakeIcecast::start(vec![Act::Refuse("SSH-2.0-OpenSSH_9\r\n".to_owned()); 100]);
    OnAir::start(server.target()).wait_reason("did not answer as an Icecast does");
}

#[test]
fn an_end_while_nothing_is_sent_is_noticed_at_once() {
    let server = FakeIcecast::start([Act::AcceptThenClose(CONTINUE_AND_OK, 0), Act::Silence]);
    let air = OnAir::start(server.target());
    // Not a frame is ever pushed: only reading can tell.
    air.wait_reason("ended the connection");
    assert_eq!(air.link().ups, 1);
}

#[test]
fn a_refusal_that_comes_late_is_reported_by_name() {
    let late = "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n";
    let server = FakeIcecast::start([Act::AcceptThenSay(CONTINUE, FRAME_LEN, late), Act::Silence]);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    air.push(1);
    air.wait_reason("in use (409)");
}

#[test]
fn after_a_loss_it_joins_at_the_live_edge_on_a_frame_edge_and_repeats_nothing() {
    let cut = FRAME_LEN * 2 + 100;
    let server = FakeIcecast::start([
        Act::AcceptThenClose(CONTINUE_AND_OK, cut),
        refusal("503 Service Unavailable", "later"),
    ]);
    let mut air = OnAir::start(server.target());
    air.push(3);
    let up = air.wait_up(1);
    assert_eq!(up.next_frame, 3);
    air.push(3);
    let down = air.wait_link(|link| !link.up && link.ups == 1);
    assert!((3..=6).contains(&down.next_frame), "{down:?}");
    // While it is away the station goes on: these frames are gone for Icecast.
    air.push(5);
    let up = air.wait_up(2);
    assert_eq!(up.next_frame, 11);
    let first = air.push(4);
    assert_eq!(server.wait_body(2, 4 * FRAME_LEN), frames(first, first + 4));
}

#[test]
fn a_server_that_stops_taking_bytes_is_given_up_after_the_write_time_out() {
    let server = FakeIcecast::start([Act::AcceptAndSleep(CONTINUE_AND_OK), Act::Silence]);
    let mut target = server.target();
    target.limits.write = Duration::from_millis(50);
    let mut air = OnAir::start(target);
    air.wait_up(1);
    // More than the buffers of both ends, and the ring, can hold.
    for _ in 0..100 {
        for _ in 0..10 {
            air.push(50);
        }
        std::thread::yield_now();
    }
    let reason = air.wait_reason("too slowly");
    assert!(reason.contains("not a byte") || reason.contains("fell behind"), "{reason}");
}

#[test]
fn a_server_that_pauses_gets_every_byte_once_it_reads_again() {
    let server = FakeIcecast::start([Act::AcceptAndSleep(CONTINUE_AND_OK)]);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    // Less than the ring holds, more than a small socket buffer does.
    for _ in 0..40 {
        air.push(50);
    }
    server.wake();
    assert_eq!(server.wait_body(0, 2000 * FRAME_LEN), frames(0, 2000));
    assert!(air.link().up);
}

#[test]
fn the_stop_ends_on_a_frame_edge_with_an_orderly_end_and_in_time() {
    let server = FakeIcecast::start([]);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    air.push(3);
    server.wait_body(0, 3 * FRAME_LEN);
    let links = air.links.clone();
    let took = air.stop();
    assert!(took < Duration::from_millis(900), "{took:?}");
    let body = server.wait("the end", |state| {
        state.visits.first().filter(|visit| visit.ended).map(|visit| visit.body.clone())
    });
    assert_eq!(body, frames(0, 3));
    let link = links.all().remove(0);
    assert!(!link.up && link.next_frame == 3, "{link:?}");
}

#[test]
fn item_18_the_stop_takes_under_a_second_in_every_state() {
    for act in [
        Act::Silence,
        Act::Close,
        refusal("401 Unauthorized", "no"),
        Act::AcceptAndSleep(CONTINUE_AND_OK),
    ] {
        let server = FakeIcecast::start(vec![act.clone(); 100]);
        let mut target = server.target();
        target.limits.retry = Default::default();
        let mut air = OnAir::start(target);
        server.wait("a visit", |state| state.visits.first().map(|_| ()));
        air.push(50);
        let took = air.stop();
        assert!(took < Duration::from_millis(900), "{act:?}: {took:?}");
    }
}

#[test]
fn our_own_listener_is_refused_with_the_remedy_and_never_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let own = listener.local_addr().unwrap();
    // "localhost" is known before resolving, "127.1" only afterwards.
    for host in ["localhost", "127.1"] {
        let target = Target {
            host: host.to_owned(),
            port: own.port(),
            own_listen: vec![own],
            ..Target::default()
        };
        let reason = OnAir::start(target).wait_reason("own listener");
        assert!(reason.contains("server.listen = \"127.0.0.1:8001\""), "{reason}");
    }
    assert!(listener.accept().is_err());
}

fn tls_target(server: &FakeIcecast, tls: Tls) -> Target {
    Target { host: "localhost".to_owned(), tls, authorities: vec![authority()], ..server.target() }
}

#[test]
fn stream_and_title_go_through_tls_where_it_is_required() {
    let server = FakeIcecast::start([]);
    server.change(|state| state.speaks_tls = true);
    let mut air = OnAir::start(tls_target(&server, Tls::Required));
    air.titles.send_replace(Arc::from("Käse"));
    air.wait_up(1);
    air.push(200);
    assert_eq!(server.wait_body(0, 200 * FRAME_LEN), frames(0, 200));
    server.wait("the title", |state| state.titles.first().cloned());
    assert!(air.stop() < Duration::from_millis(900));
    let visit = server.wait("the end", |state| state.visits.first().filter(|v| v.ended).cloned());
    assert!(visit.is_tls);
}

#[test]
fn tls_auto_takes_a_plain_server_as_it_is() {
    let server = FakeIcecast::start([]);
    let mut air = OnAir::start(tls_target(&server, Tls::Auto));
    air.wait_up(1);
    air.push(1);
    server.wait_body(0, FRAME_LEN);
    assert_eq!(server.wait("greeting", |state| Some(state.greetings_refused)), 1);
}

#[test]
fn tls_auto_never_falls_back_to_plain_once_tls_has_worked() {
    let server = FakeIcecast::start([Act::AcceptThenClose(CONTINUE_AND_OK, 1)]);
    server.change(|state| state.speaks_tls = true);
    let mut air = OnAir::start(tls_target(&server, Tls::Auto));
    air.wait_up(1);
    server.change(|state| state.speaks_tls = false);
    air.push(1);
    let reason = air.wait_reason("does not speak TLS");
    assert!(reason.contains("localhost"), "{reason}");
    server.wait("more attempts", |state| (state.greetings_refused >= 3).then_some(()));
    let visits = server.wait("visits", |state| Some(state.visits.clone()));
    assert!(visits.len() == 1 && visits[0].is_tls, "nothing may go out in the clear");
}

#[test]
fn a_certificate_that_is_not_trusted_is_named_and_never_answered_in_the_clear() {
    let server = FakeIcecast::start([]);
    server.change(|state| state.speaks_tls = true);
    for tls in [Tls::Auto, Tls::Required] {
        let target = Target { authorities: Vec::new(), ..tls_target(&server, tls) };
        let reason = OnAir::start(target).wait_reason("TLS with");
        assert!(reason.contains("certificate"), "{reason}");
    }
    assert!(server.wait("visits", |state| Some(state.visits.is_empty())));
}
