//! Feeding: supplies one accepted connection until it ends.
//!
//! The groups themselves go out over the [`Line`] on the thread that made them; this waits for
//! everything else: the stop, the server's words, and a socket that took less than it was shown.

use std::{
    future::pending,
    io::ErrorKind,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    SourceError, Target,
    line::{Handed, Line},
    source::{Source, refused},
};
use crate::{
    ids::FrameNumber,
    net::head::ResponseHead,
    relay::{Read, Reader, Relay, Tap},
};

/// How long the frame that is begun may take to go out at the stop.
const FINISH_WAIT: Duration = Duration::from_millis(300);
/// How long the server's own end is waited for at the stop, so that nothing is cut off by a reset.
const END_WAIT: Duration = Duration::from_millis(200);

/// Reads of the server's words at a time.
const READS: usize = 16;

/// Why feeding ended.
#[derive(Debug)]
pub(super) enum End {
    /// We were told to stop, or the relay was closed.
    Stopped,
    /// The connection is of no more use.
    Lost(SourceError),
}

/// Why the line is of no more use.
enum Cause {
    Stopped,
    Lost(SourceError),
    /// The server answered this while we sent.
    Refused(ResponseHead),
}

/// Feeds `source` from `reader` on; returns when told to stop or when the connection is lost, with
/// the first frame that was not handed on whole.
pub(super) async fn feed(
    target: &Target,
    source: Source,
    reader: Reader,
    relay: &Relay,
    stop: &mut watch::Receiver<bool>,
) -> (End, FrameNumber) {
    let tcp = Arc::clone(source.socket.tcp());
    let line = Arc::new(Line::new(source, reader));
    let tap: Weak<Line<Source>> = Arc::downgrade(&line);
    relay.attach(tap as Weak<dyn Tap>);
    let cause = attend(target, &line, &tcp, stop).await;
    let Some((mut source, mut reader)) = line.close() else { return (End::Stopped, 0) };
    let end = match cause {
        Cause::Stopped => {
            finish(&mut source, &mut reader).await;
            End::Stopped
        }
        Cause::Lost(error) => End::Lost(error),
        Cause::Refused(head) => {
            End::Lost(refused(target, &mut source.socket, &mut source.answers, &head).await)
        }
    };
    (end, reader.first_missing())
}

async fn attend(
    target: &Target,
    line: &Line<Source>,
    tcp: &TcpStream,
    stop: &mut watch::Receiver<bool>,
) -> Cause {
    // Set while the socket takes nothing more: when that has gone on for too long.
    let mut blocked: Option<Instant> = None;
    loop {
        match line.hand_on() {
            Ok(Handed::All) => blocked = None,
            Ok(Handed::Part { progress }) => {
                if progress || blocked.is_none() {
                    blocked = Some(Instant::now() + target.limits.write);
                }
            }
            Ok(Handed::Overrun) => {
                let reason = "it fell behind all that is kept for it".to_owned();
                return Cause::Lost(SourceError::TooSlow { at: target.authority(), reason });
            }
            Ok(Handed::Closed) => return Cause::Stopped,
            Err(error) => return Cause::Lost(SourceError::broken(target, &error)),
        }
        tokio::select! {
            biased;
            () = stopped(stop) => return Cause::Stopped,
            readable = tcp.readable() => {
                if let Err(error) = readable {
                    return Cause::Lost(SourceError::broken(target, &error));
                }
                if let Err(lost) = listen(target, line) {
                    return lost;
                }
            }
            () = line.help(), if blocked.is_none() => {}
            writable = tcp.writable(), if blocked.is_some() => {
                if let Err(error) = writable {
                    return Cause::Lost(SourceError::broken(target, &error));
                }
            }
            () = until(blocked) => {
                let reason = format!("not a byte for {} s", target.limits.write.as_secs_f32());
                return Cause::Lost(SourceError::TooSlow { at: target.authority(), reason });
            }
        }
    }
}

/// Waits until we are told to stop, or nobody is left who could tell us; cancel safe.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// Reads what the server says while we send: late answers are dropped, late refusals and the end
/// are the end.
fn listen(target: &Target, line: &Line<Source>) -> Result<(), Cause> {
    let listened = line.with_source(|source| {
        let mut buffer = [0; 1024];
        // A server that talks without end gets its turn again after the next group.
        for _ in 0..READS {
            match source.socket.try_read(&mut buffer) {
                Ok(0) => return Err(Cause::Lost(SourceError::Ended { at: target.authority() })),
                Ok(read) => source.answers.push(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Cause::Lost(SourceError::broken(target, &error))),
            }
            let not_icecast = |_| Cause::Lost(SourceError::NotIcecast { at: target.authority() });
            while let Some(head) = source.answers.next().map_err(not_icecast)? {
                if head.status >= 300 {
                    return Err(Cause::Refused(head));
                }
            }
            source.answers.forget();
        }
        Ok(())
    });
    listened.unwrap_or(Ok(()))
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
        let source = Source { socket: Socket::Plain(Arc::new(tcp)), answers: Answers::default() };
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
            let Line { target, relay, source, server } = line().await;
            let reader = relay.live();
            push(&relay, 0..1000);
            relay.close();
            let heard = listen_to(server);
            let (_keep, mut stop) = watch::channel(false);
            let (end, next) = feed(&target, source, reader, &relay, &mut stop).await;
            assert!(matches!(end, End::Stopped), "{end:?}");
            assert_eq!(next, 1000);
            assert!(heard.join().unwrap() == sent(1000));
        });
    }

    #[test]
    fn what_another_thread_pushes_goes_out_over_short_writes_too() {
        run(async {
            let Line { target, relay, source, server } = line().await;
            let reader = relay.live();
            let heard = listen_to(server);
            let pushing = relay.clone();
            let station = thread::spawn(move || {
                for group in 0..400 {
                    push(&pushing, group * 5..group * 5 + 5);
                }
                pushing.close();
            });
            let (_keep, mut stop) = watch::channel(false);
            let (end, next) = feed(&target, source, reader, &relay, &mut stop).await;
            assert!(matches!(end, End::Stopped), "{end:?}");
            assert_eq!(next, 2000);
            station.join().unwrap();
            assert!(heard.join().unwrap() == sent(2000));
        });
    }

    #[test]
    fn a_stop_in_the_middle_of_a_frame_finishes_it_and_no_more() {
        run(async {
            let Line { target, relay, source, server } = line().await;
            let reader = relay.live();
            push(&relay, 0..1000);
            let (stop, mut stopped) = watch::channel(false);
            let full = async {
                // The first write fills the buffers and ends anywhere; then the stop comes.
                tokio::task::yield_now().await;
                stop.send_replace(true);
                listen_to(server)
            };
            let feeding = feed(&target, source, reader, &relay, &mut stopped);
            let ((end, next), heard) = tokio::join!(feeding, full);
            assert!(matches!(end, End::Stopped), "{end:?}");
            let heard = heard.join().unwrap();
            assert!(next > 0 && next < 1000, "{next}");
            assert!(heard == sent(next), "whole frames up to the one that was begun");
        });
    }

    #[test]
    fn a_server_that_takes_nothing_is_given_up_by_name() {
        run(async {
            let Line { mut target, relay, source, server: _server } = line().await;
            target.limits.write = Duration::from_millis(20);
            let reader = relay.live();
            push(&relay, 0..1000);
            let (_keep, mut stop) = watch::channel(false);
            let (end, _) = feed(&target, source, reader, &relay, &mut stop).await;
            let End::Lost(SourceError::TooSlow { reason, .. }) = end else { panic!("{end:?}") };
            assert!(reason.contains("not a byte for 0.02 s"), "{reason}");
        });
    }

    #[test]
    fn one_that_fell_behind_the_ring_is_given_up_and_never_goes_on_inside_a_frame() {
        run(async {
            let Line { target, relay, source, server: _server } = line().await;
            let reader = relay.live();
            for group in 0..30 {
                push(&relay, group * 100..group * 100 + 100);
            }
            let (_keep, mut stop) = watch::channel(false);
            let (end, next) = feed(&target, source, reader, &relay, &mut stop).await;
            let End::Lost(SourceError::TooSlow { reason, .. }) = end else { panic!("{end:?}") };
            assert!(reason.contains("fell behind"), "{reason}");
            assert_eq!(next, 0, "nothing went out");
        });
    }

    fn listen_to(mut server: std::net::TcpStream) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let mut heard = Vec::new();
            server.read_to_end(&mut heard).unwrap();
            heard
        })
    }
}
