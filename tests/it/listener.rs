//! Listeners: what comes out of the mount, over real sockets.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use musicdb_stream::{
    icy::{METAINT, StreamInfo},
    mpeg::Header,
    relay::RING_BYTES,
    server::ServerOptions,
};

use crate::support::radio::{PATIENCE, Radio, head, options, rest, take_apart, wait_until};

/// Four seconds at 44.1 kHz are 153.1 frames: the burst begins at the first edge within them.
const BURST_FRAMES: usize = 153;

#[test]
fn the_body_is_the_frames_that_were_pushed_from_a_frame_edge_on() {
    let mut radio = Radio::on_air(options(), 400);
    let (head, stream) = radio.listen("/stream", "");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(!head.contains("icy-metaint:"), "{head}");
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    radio.wait_for_count(1);
    for _ in 0..20 {
        radio.push(7, Some("a title that nobody asked for"));
    }
    radio.relay.close();
    let start = radio.edges[400 - BURST_FRAMES];
    assert!(rest(stream) == radio.pushed[start..], "the body differs");
}

#[test]
fn who_comes_before_the_first_frame_gets_it_at_once() {
    let flush = Duration::from_secs(3600);
    let mut radio = Radio::start(ServerOptions { flush, ..options() });
    let (_, mut stream) = radio.listen("/stream", "");
    radio.wait_for_count(1);
    radio.push(4, None);
    let mut sound = vec![0; radio.pushed.len()];
    stream.read_exact(&mut sound).unwrap();
    assert_eq!(sound, radio.pushed);
}

#[test]
fn the_listener_may_ask_for_another_burst() {
    let radio = Radio::on_air(options(), 400);
    let starts: Vec<_> = ["0", "0.5", "1000"]
        .into_iter()
        .map(|burst| radio.listen(&format!("/stream?burst={burst}"), "").1)
        .collect();
    radio.relay.close();
    let got: Vec<usize> = starts.into_iter().map(|stream| rest(stream).len()).collect();
    let from = |frames: usize| radio.pushed.len() - radio.edges[400 - frames];
    assert_eq!(got, [0, from(19), radio.pushed.len()]);
}

#[test]
fn a_range_is_not_looked_at() {
    let radio = Radio::on_air(options(), 40);
    for range in ["bytes=0-", "bytes=0-1", "bytes=100-200", "bytes=-5"] {
        let (head, mut stream) = radio.listen("/stream", &format!("Range: {range}\r\n"));
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{range}: {head}");
        assert!(!head.contains("Content-Range"), "{head}");
        let mut start = [0; 4];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(start, radio.pushed[..4]);
    }
}

#[test]
fn a_title_stands_at_the_first_block_behind_its_frame() {
    let mut radio = Radio::on_air(options(), 40);
    radio.push(1, Some("Ärger - Eins"));
    let (head, stream) = radio.listen("/stream", "Icy-MetaData: 1\r\n");
    assert!(head.ends_with(&format!("icy-metaint:{METAINT}\r\n\r\n")), "{head}");
    radio.wait_for_count(1);
    // Where each title holds from, in audio bytes from the first frame on.
    let mut from = vec![(0, ""), (radio.edges[40], "Ärger - Eins")];
    for (frames, title) in [(100, "zwei"), (3, "drei"), (200, "'; vier"), (90, "vier")] {
        from.push((radio.pushed.len(), title));
        radio.push(frames, Some(title));
    }
    radio.relay.close();
    let (audio, titles) = take_apart(&rest(stream), METAINT);
    assert!(audio == radio.pushed, "the audio differs");
    let mut expected: Vec<(usize, String)> = Vec::new();
    for at in (METAINT..audio.len()).step_by(METAINT) {
        let title = from.iter().rev().find(|title| title.0 <= at).unwrap().1;
        let title = title.replace("';", "' ;");
        if expected.last().is_none_or(|last| last.1 != title) {
            expected.push((at, title));
        }
    }
    assert!(expected.len() >= 4);
    assert_eq!(titles, expected);
}

#[test]
fn the_first_block_carries_a_title_though_there_is_none() {
    let radio = Radio::on_air(options(), 60);
    let (_, stream) = radio.listen("/stream", "Icy-MetaData: 1\r\n");
    radio.relay.close();
    let body = rest(stream);
    assert_eq!(&body[METAINT..METAINT + 17], b"\x01StreamTitle='';\0");
}

#[test]
fn head_has_the_streams_head_and_ends() {
    let stream = StreamInfo { name: "Radio".into(), genre: "all".into(), ..StreamInfo::default() };
    let radio = Radio::on_air(ServerOptions { stream, ..options() }, 40);
    for version in ["1.0", "1.1"] {
        let mut stream =
            radio.send(&format!("HEAD /stream HTTP/{version}\r\nIcy-MetaData: 1\r\n\r\n"));
        let head = head(&mut stream);
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
        for line in ["icy-br:128", "icy-name:Radio", "icy-genre:all", "icy-metaint:16000"] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
        }
        assert!(rest(stream).is_empty());
    }
    assert_eq!(radio.listeners.totals().accepted, 0);
}

#[test]
fn too_many_listeners_are_refused_as_icecast_does() {
    let radio = Radio::on_air(ServerOptions { max_listeners: 2, ..options() }, 40);
    let kept = [radio.listen("/stream", ""), radio.listen("/stream.mp3", "User-Agent: p\r\n")];
    let (head, body) = radio.ask("GET", "/stream");
    assert!(head.starts_with("HTTP/1.0 403 Forbidden\r\n"), "{head}");
    assert_eq!(body, "Icecast connection limit reached\r\n");
    let list = radio.listeners.list(std::time::Instant::now());
    assert_eq!((list[0].mount.as_str(), list[1].mount.as_str()), ("/stream", "/stream"));
    assert_eq!(list[1].user_agent.as_deref(), Some("p"));
    // The status is not for listeners alone: it has no limit.
    assert!(radio.ask("GET", "/status-json.xsl").1.contains("\"listeners\":2"));
    drop(kept);
    radio.wait_for_count(0);
    assert!(radio.listen("/stream", "").0.starts_with("HTTP/1.0 200"));
}

#[test]
fn one_address_has_its_own_limit() {
    let radio = Radio::on_air(ServerOptions { max_per_address: 1, ..options() }, 40);
    let _kept = radio.listen("/stream", "");
    assert!(radio.ask("GET", "/stream").0.starts_with("HTTP/1.0 403 "));
}

#[test]
fn a_listener_that_leaves_is_gone_at_once() {
    // No flush would notice it: nothing is pushed.
    let radio = Radio::on_air(options(), 1);
    let (_, closed) = radio.listen("/stream?burst=0", "");
    let (_, reset) = radio.listen("/stream?burst=0", "");
    radio.wait_for_count(2);
    drop(closed);
    radio.wait_for_count(1);
    socket2::SockRef::from(&reset).set_linger(Some(Duration::ZERO)).unwrap();
    drop(reset);
    radio.wait_for_count(0);
}

/// A connection whose receive buffer is as small as the system lets it be.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The numbers of the frames in `audio`, which must all be whole.
fn frame_numbers(audio: &[u8]) -> Vec<u32> {
    let (mut numbers, mut rest) = (Vec::new(), audio);
    while !rest.is_empty() {
        let header = Header::parse(rest[..4].try_into().unwrap()).expect("a frame begins here");
        let frame = &rest[..header.frame_len()];
        numbers.push(frame[4..8].iter().fold(0, |n, byte| n << 7 | u32::from(*byte)));
        rest = &rest[frame.len()..];
    }
    numbers
}

#[test]
fn a_slow_listener_is_moved_forward_and_never_gets_half_a_frame() {
    for titles in ["", "Icy-MetaData: 1\r\n"] {
        let mut radio = Radio::on_air(options(), 200);
        let mut stream = narrow(radio.address);
        write!(stream, "GET /stream HTTP/1.0\r\n{titles}\r\n").unwrap();
        head(&mut stream);
        // It has kept up so far.
        let mut body = vec![0; 4 << 16];
        for piece in body.chunks_mut(1 << 16) {
            radio.push(160, None);
            stream.read_exact(piece).unwrap();
        }
        // Until the kernel takes no more: three looks in a row find nothing sent of what is there.
        let mut idle = 0;
        while idle < 3 {
            let sent = radio.listeners.totals().bytes_sent;
            radio.push(100, None);
            std::thread::sleep(Duration::from_millis(20));
            idle = if radio.listeners.totals().bytes_sent == sent { idle + 1 } else { 0 };
            assert!(radio.pushed.len() < 64 << 20, "the kernel takes it all");
        }
        radio.push(u32::try_from(RING_BYTES / 400).unwrap(), None);
        let listeners = radio.listeners.clone();
        let reading = std::thread::spawn(move || {
            let mut more = Vec::new();
            let mut piece = vec![0; 1 << 16];
            while listeners.totals().moved_forward == 0 {
                let len = stream.read(&mut piece).unwrap();
                more.extend_from_slice(&piece[..len]);
            }
            more.extend_from_slice(&rest(stream));
            more
        });
        wait_until("the listener is moved", || radio.listeners.totals().moved_forward == 1);
        radio.push(40, None);
        radio.relay.close();
        body.extend(reading.join().unwrap());
        let audio = if titles.is_empty() { body } else { take_apart(&body, METAINT).0 };
        let numbers = frame_numbers(&audio);
        let jumps = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert_eq!(jumps, 1, "with {titles:?}");
        assert_eq!(*numbers.last().unwrap() as usize, radio.edges.len() - 1);
        assert_eq!(radio.listeners.totals().dropped_slow, 0);
    }
}

#[test]
fn stopping_gives_whole_frames_to_the_last_one_and_closes_everything() {
    let mut radio =
        Radio::on_air(ServerOptions { flush: Duration::from_secs(3600), ..options() }, 40);
    let (_, plain) = radio.listen("/stream", "");
    let (_, titled) = radio.listen("/stream", "Icy-MetaData: 1\r\n");
    radio.wait_for_count(2);
    let idle = radio.connect();
    let half = radio.send("GET /str");
    let link = |radio: &Radio| radio.links.all().remove(0);
    assert!(link(&radio).up);
    // Not due for an hour: only the stop can bring them.
    radio.push(60, Some("last"));
    let took = radio.stop();
    assert!(took < Duration::from_millis(450), "{took:?}");
    assert!(rest(plain) == radio.pushed);
    assert!(take_apart(&rest(titled), METAINT).0 == radio.pushed);
    for mut pending in [idle, half] {
        assert!(matches!(pending.read(&mut [0]), Ok(0) | Err(_)));
    }
    assert!(TcpStream::connect(radio.address).is_err());
    assert_eq!(radio.listeners.count(), 0);
    assert!(!link(&radio).up);
}

#[test]
fn the_link_is_up_while_the_port_is_open() {
    let mut radio = Radio::on_air(options(), 0);
    wait_until("the mount is open", || radio.links.all()[0].up);
    radio.stop();
    let link = radio.links.all().remove(0);
    assert_eq!((link.up, link.ups, link.reason.is_some()), (false, 1, true));
}
