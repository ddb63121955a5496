//! Feeding: hands the relay's bytes to one accepted connection until it ends.
//!
//! One wake a group: the ring's bytes go to the socket where they lie, without a copy and without
//! waiting; only after a short write is the socket waited for.

use std::{
    future::pending,
    io::{self, ErrorKind},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    SourceError, Target,
    source::{Source, refused},
};
use crate::relay::{Read, Reader};

/// How long the frame that is begun may take to go out at the stop.
const FINISH_WAIT: Duration = Duration::from_millis(300);
/// How long the server's own end is waited for at the stop, so that nothing is cut off by a reset.
const END_WAIT: Duration = Duration::from_millis(200);

/// Why feeding ended.
#[derive(Debug)]
pub(super) enum End {
    /// We were told to stop, or the relay was closed.
    Stopped,
    /// The connection is of no more use.
    Lost(SourceError),
}

/// Feeds `source` from `reader` on; returns when told to stop or when the connection is lost.
pub(super) async fn feed(
    target: &Target,
    source: &mut Source,
    reader: &mut Reader,
    stop: &mut watch::Receiver<bool>,
) -> End {
    // Set while the socket takes nothing more: when that has gone on for too long.
    let mut blocked: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            () = stopped(stop) => {
                finish(source, reader).await;
                return End::Stopped;
            }
            readable = source.socket.readable() => {
                if let Err(error) = readable {
                    return End::Lost(SourceError::broken(target, &error));
                }
                if let Err(lost) = listen(target, source).await {
                    return End::Lost(lost);
                }
                continue;
            }
            () = reader.ready(), if blocked.is_none() => {}
            writable = source.socket.writable(), if blocked.is_some() => {
                if let Err(error) = writable {
                    return End::Lost(SourceError::broken(target, &error));
                }
            }
            () = until(blocked) => {
                let reason = format!("not a byte for {} s", target.limits.write.as_secs_f32());
                return End::Lost(SourceError::TooSlow { at: target.authority(), reason });
            }
        }
        match hand_on(source, reader) {
            Ok(Handed::All) => blocked = None,
            Ok(Handed::Part { progress }) => {
                if progress || blocked.is_none() {
                    blocked = Some(Instant::now() + target.limits.write);
                }
            }
            Ok(Handed::Overrun) => {
                let reason = "it fell behind all that is kept for it".to_owned();
                return End::Lost(SourceError::TooSlow { at: target.authority(), reason });
            }
            Ok(Handed::Closed) => {
                finish(source, reader).await;
                return End::Stopped;
            }
            Err(error) => return End::Lost(SourceError::broken(target, &error)),
        }
    }
}

/// Waits until we are told to stop, or nobody is left who could tell us; cancel safe.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What came of handing on what is there.
#[derive(Debug, PartialEq, Eq)]
enum Handed {
    /// The socket took all that it was shown.
    All,
    /// It took less; `progress`: but something.
    Part { progress: bool },
    /// The ring has overwritten what it had not taken yet. The place in the stream is lost in the
    /// middle of a frame, so only a new connection can go on.
    Overrun,
    /// Nothing will follow.
    Closed,
}

fn hand_on(source: &mut Source, reader: &mut Reader) -> io::Result<Handed> {
    let mut failure = None;
    let mut shown = 0;
    let read = reader.read(usize::MAX, |bytes| {
        shown = bytes.len();
        source.socket.try_write(bytes).unwrap_or_else(|error| {
            if error.kind() != ErrorKind::WouldBlock {
                failure = Some(error);
            }
            0
        })
    });
    if let Some(error) = failure {
        return Err(error);
    }
    match read {
        Read::Taken(taken) if taken < shown => Ok(Handed::Part { progress: taken > 0 }),
        // TLS may have taken bytes that the socket below has not.
        Read::Taken(_) | Read::Empty => {
            Ok(if source.socket.flush()? { Handed::All } else { Handed::Part { progress: true } })
        }
        Read::Lagged => Ok(Handed::Overrun),
        Read::Closed => Ok(Handed::Closed),
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// Reads what the server says while we send: late answers are dropped, late refusals and the end
/// are the end.
async fn listen(target: &Target, source: &mut Source) -> Result<(), SourceError> {
    let mut buffer = [0; 1024];
    loop {
        match source.socket.try_read(&mut buffer) {
            Ok(0) => return Err(SourceError::Ended { at: target.authority() }),
            Ok(read) => source.answers.push(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(SourceError::broken(target, &error)),
        }
        while let Some(head) = source.answers.next().map_err(|_| not_icecast(target))? {
            if head.status >= 300 {
                return Err(refused(target, &mut source.socket, &mut source.answers, &head).await);
            }
        }
        source.answers.forget();
    }
}

fn not_icecast(target: &Target) -> SourceError {
    SourceError::NotIcecast { at: target.authority() }
}

/// Ends on a frame edge and lets the server see an orderly end.
async fn finish(source: &mut Source, reader: &mut Reader) {
    let finished = timeout(FINISH_WAIT, async {
        loop {
            let rest = reader.to_frame_edge();
            if rest == 0 {
                break;
            }
            let mut failure = None;
            let read = reader.read(rest, |bytes| {
                source.socket.try_write(bytes).unwrap_or_else(|error| {
                    failure = (error.kind() != ErrorKind::WouldBlock).then_some(error);
                    0
                })
            });
            match (failure, read) {
                (Some(error), _) => return Err(error),
                (None, Read::Taken(0)) => source.socket.writable().await?,
                (None, Read::Taken(_)) => {}
                (None, _) => break,
            }
        }
        source.socket.finish().await
    });
    if !matches!(finished.await, Ok(Ok(()))) {
        return;
    }
    let ended = timeout(END_WAIT, async {
        let mut buffer = [0; 1024];
        while matches!(source.socket.read(&mut buffer).await, Ok(1..)) {}
    });
    // A server that does not end within the time is left.
    let _ = ended.await;
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, net::TcpListener, thread};

    use socket2::SockRef;
    use tokio::net::TcpStream;

    use super::*;
    use crate::{
        icecast::{answer::Answers, socket::Socket},
        mpeg::Header,
        relay::{FrameKind, Group, Relay},
    };

    /// Bytes of one frame at 128 kbit/s and 44.1 kHz.
    const FRAME: usize = 417;

    /// A relay, an accepted connection that takes little at once, and its other end.
    struct Line {
        target: Target,
        relay: Relay,
        source: Source,
        server: std::net::TcpStream,
    }

    async fn line() -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        SockRef::from(&tcp).set_send_buffer_size(4096).unwrap();
        let server = listener.accept().unwrap().0;
        let source = Source { socket: Socket::Plain(tcp), answers: Answers::default() };
        Line { target: Target::default(), relay: Relay::new(), source, server }
    }

    /// Frame `n` is filled with the lowest byte of `n`.
    fn frame(n: u64) -> [u8; FRAME] {
        [n.to_le_bytes()[0]; FRAME]
    }

    fn push(relay: &Relay, frames: std::ops::Range<u64>) {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let mut group = Group::new();
        for n in frames {
            group.push(header, &frame(n), FrameKind::Song);
        }
        relay.push(&group, std::time::Instant::now());
    }

    fn sent(frames: u64) -> Vec<u8> {
        (0..frames).flat_map(frame).collect()
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn short_writes_lose_and_repeat_nothing() {
        run(async {
            let mut line = line().await;
            let mut reader = line.relay.live();
            push(&line.relay, 0..1000);
            line.relay.close();
            let mut server = line.server;
            let heard = thread::spawn(move || {
                let mut heard = Vec::new();
                server.read_to_end(&mut heard).unwrap();
                heard
            });
            let (_keep, mut stop) = watch::channel(false);
            let end = feed(&line.target, &mut line.source, &mut reader, &mut stop).await;
            assert!(matches!(end, End::Stopped), "{end:?}");
            drop(line.source);
            assert!(heard.join().unwrap() == sent(1000));
        });
    }

    #[test]
    fn a_stop_in_the_middle_of_a_frame_finishes_it_and_no_more() {
        run(async {
            let mut line = line().await;
            let mut reader = line.relay.live();
            push(&line.relay, 0..1000);
            // The first write fills the buffers and ends anywhere.
            while hand_on(&mut line.source, &mut reader).unwrap()
                != (Handed::Part { progress: false })
            {}
            let (stop, mut stopped) = watch::channel(false);
            let cut = reader.to_frame_edge();
            stop.send_replace(true);
            let mut server = line.server;
            let heard = thread::spawn(move || {
                let mut heard = Vec::new();
                server.read_to_end(&mut heard).unwrap();
                heard
            });
            let end = feed(&line.target, &mut line.source, &mut reader, &mut stopped).await;
            assert!(matches!(end, End::Stopped), "{end:?}");
            let heard = heard.join().unwrap();
            assert!(cut > 0, "this machine's buffers end on a frame edge: choose another FRAME");
            assert_eq!(heard.len() % FRAME, 0);
            assert!(heard == sent(reader.frame()) && reader.frame() < 1000);
        });
    }

    #[test]
    fn a_server_that_takes_nothing_is_given_up_by_name() {
        run(async {
            let mut line = line().await;
            line.target.limits.write = Duration::from_millis(20);
            let mut reader = line.relay.live();
            push(&line.relay, 0..1000);
            let (_keep, mut stop) = watch::channel(false);
            let end = feed(&line.target, &mut line.source, &mut reader, &mut stop).await;
            let End::Lost(SourceError::TooSlow { reason, .. }) = end else { panic!("{end:?}") };
            assert!(reason.contains("not a byte for 0.02 s"), "{reason}");
        });
    }

    #[test]
    fn one_that_fell_behind_the_ring_is_given_up_and_never_goes_on_inside_a_frame() {
        run(async {
            let mut line = line().await;
            let mut reader = line.relay.live();
            for group in 0..30 {
                push(&line.relay, group * 100..group * 100 + 100);
            }
            let handed = hand_on(&mut line.source, &mut reader).unwrap();
            assert_eq!(handed, Handed::Overrun);
        });
    }
}
