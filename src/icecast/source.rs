//! One connection as source client: from the target to a socket that takes frames.
//!
//! `PUT` with `Expect: 100-continue` first; servers that do not know it get `SOURCE`, which is
//! remembered. The body is raw MP3, neither chunked nor with a length, because Icecast 2.4 would
//! hand chunk marks on to its listeners.

use std::{io, sync::Arc, time::Duration};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    SourceError, Target, Tls,
    answer::{Answers, MAX_TEXT},
    request::{AudioInfo, Method, request},
    socket::Socket,
};
use crate::net::{dial::dial, head::ResponseHead, tls};

/// How long the text of a refusal is waited for once its head is there.
const TEXT_WAIT: Duration = Duration::from_secs(1);

/// A connection that the server has accepted.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) socket: Socket,
    pub(super) answers: Answers,
}

/// What earlier connections have taught us about this server.
#[derive(Debug, Default)]
pub(super) struct Memory {
    method: Method,
    encryption: Encryption,
    trust: Option<Arc<ClientConfig>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Encryption {
    #[default]
    Unknown,
    /// It answered in the clear and spoke no TLS.
    Plain,
    /// It spoke TLS: from then on nothing is sent to it in the clear.
    Tls,
}

impl Memory {
    /// What encrypted connections to this server are checked against, once there was one.
    pub(super) fn trust(&self) -> Option<Arc<ClientConfig>> {
        self.trust.clone()
    }
}

/// Connects, on a fresh socket, and asks for the mount: with the other method too where the server
/// seems not to know the first.
pub(super) async fn connect(
    target: &Target,
    memory: &mut Memory,
    audio: Option<AudioInfo>,
) -> Result<Source, SourceError> {
    let first = memory.method;
    let failed = match attempt(target, memory, first, audio).await {
        Err(error) if is_unknown_method(&error) => error,
        outcome => return outcome,
    };
    let second = if first == Method::Put { Method::Source } else { Method::Put };
    match attempt(target, memory, second, audio).await {
        // Neither is understood: the first answer says more than the echo of the second.
        Err(error) if is_unknown_method(&error) => Err(failed),
        Ok(source) => {
            memory.method = second;
            Ok(source)
        }
        Err(error) => Err(error),
    }
}

fn is_unknown_method(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::Status { status: 400 | 405 | 417 | 501, .. }
            | SourceError::ClosedInHandshake { .. }
    )
}

async fn attempt(
    target: &Target,
    memory: &mut Memory,
    method: Method,
    audio: Option<AudioInfo>,
) -> Result<Source, SourceError> {
    let request = request(target, method, audio)?;
    let socket = open(target, memory).await?;
    let was_plain = !socket.is_tls();
    let outcome = ask(target, socket, &request).await;
    if was_plain {
        // A server that no longer answers in the clear may have turned to TLS.
        let answered = outcome.as_ref().map_or_else(SourceError::is_answer, |_| true);
        memory.encryption = if answered { Encryption::Plain } else { Encryption::Unknown };
    }
    outcome
}

/// A connected socket, encrypted as the target asks for it.
async fn open(target: &Target, memory: &mut Memory) -> Result<Socket, SourceError> {
    let encryption = match target.tls {
        Tls::Off => Encryption::Plain,
        Tls::Required => Encryption::Tls,
        Tls::Auto => memory.encryption,
    };
    let tcp = connected(target).await?;
    if encryption == Encryption::Plain {
        return Ok(Socket::Plain(Arc::new(tcp)));
    }
    match encrypted(target, memory, tcp).await {
        Err(SourceError::NoTls { .. }) if encryption == Encryption::Unknown => {
            Ok(Socket::Plain(Arc::new(connected(target).await?)))
        }
        outcome => {
            // A certificate that we do not trust is TLS all the same.
            if matches!(outcome, Ok(_) | Err(SourceError::Tls { .. })) {
                memory.encryption = Encryption::Tls;
            }
            outcome
        }
    }
}

async fn connected(target: &Target) -> Result<TcpStream, SourceError> {
    dial(target.bare_host(), target.port, &target.own_listen, target.limits.dial)
        .await
        .map_err(|error| SourceError::dialling(target, error))
}

async fn encrypted(
    target: &Target,
    memory: &mut Memory,
    tcp: TcpStream,
) -> Result<Socket, SourceError> {
    let at = target.authority();
    let trust = match &memory.trust {
        Some(trust) => Arc::clone(trust),
        None => {
            let made = tls::client(&target.authorities);
            let made = Arc::new(made.map_err(|error| SourceError::roots(target, &error))?);
            Arc::clone(memory.trust.insert(made))
        }
    };
    let name = ServerName::try_from(target.bare_host().to_owned())
        .map_err(|error| SourceError::Tls { at: at.clone(), reason: error.to_string() })?;
    match timeout(target.limits.tls, TlsConnector::from(trust).connect(name, tcp)).await {
        Ok(Ok(stream)) => {
            let (tcp, session) = stream.into_inner();
            Ok(Socket::Tls(Arc::new(tcp), Box::new(session)))
        }
        Ok(Err(error)) => Err(tls_failure(at, &error)),
        Err(_) => {
            let reason = format!("no answer to its greeting within {}", secs(target.limits.tls));
            Err(SourceError::NoTls { at, reason })
        }
    }
}

/// Tells a server that speaks TLS, but not with us, from one that speaks none.
fn tls_failure(at: String, error: &io::Error) -> SourceError {
    let reason = error.to_string();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        None | Some(rustls::Error::InvalidMessage(_)) => SourceError::NoTls { at, reason },
        Some(_) => SourceError::Tls { at, reason },
    }
}

/// Sends the request and reads the answer.
async fn ask(target: &Target, mut socket: Socket, request: &[u8]) -> Result<Source, SourceError> {
    let mut answers = Answers::default();
    let answer = timeout(target.limits.answer, async {
        socket.write_all(request).await.map_err(|error| cut_off(target, &error))?;
        loop {
            let head = next_head(target, &mut socket, &mut answers).await?;
            // Both mean: send. Other interim answers only mean: wait.
            if head.status == 100 {
                // What came right behind it may say otherwise, and no read would come upon it again.
                return Ok(last_that_came(target, &mut answers)?.unwrap_or(head));
            }
            if head.status >= 200 {
                return Ok(head);
            }
        }
    });
    let Ok(answer) = answer.await else {
        let seconds = format!("{}", target.limits.answer.as_secs_f32());
        return Err(SourceError::Silent { at: target.authority(), seconds });
    };
    let head = answer?;
    if head.status < 300 {
        return Ok(Source { socket, answers });
    }
    Err(refused(target, &mut socket, &mut answers, &head).await)
}

async fn next_head(
    target: &Target,
    socket: &mut Socket,
    answers: &mut Answers,
) -> Result<ResponseHead, SourceError> {
    let mut buffer = [0; MAX_TEXT];
    loop {
        match answers.next() {
            Ok(Some(head)) => return Ok(head),
            Ok(None) => {}
            Err(_) => return Err(SourceError::NotIcecast { at: target.authority() }),
        }
        match socket.read(&mut buffer).await {
            Ok(0) => return Err(SourceError::ClosedInHandshake { at: target.authority() }),
            Ok(read) => answers.push(buffer.get(..read).unwrap_or_default()),
            Err(error) => return Err(cut_off(target, &error)),
        }
    }
}

/// The last head among those that are there already; a final one is the last.
fn last_that_came(
    target: &Target,
    answers: &mut Answers,
) -> Result<Option<ResponseHead>, SourceError> {
    let mut last = None;
    loop {
        match answers.next() {
            Ok(Some(head)) => last = Some(head),
            Ok(None) => return Ok(last),
            Err(_) => return Err(SourceError::NotIcecast { at: target.authority() }),
        }
    }
}

fn cut_off(target: &Target, error: &io::Error) -> SourceError {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset => {
            SourceError::ClosedInHandshake { at: target.authority() }
        }
        _ => SourceError::broken(target, error),
    }
}

/// What a refusal means. Its text is read, for a moment at most: Icecast 2.4 answers 403 for five
/// different reasons and tells them apart only there.
pub(super) async fn refused(
    target: &Target,
    socket: &mut Socket,
    answers: &mut Answers,
    head: &ResponseHead,
) -> SourceError {
    let whole = timeout(TEXT_WAIT, async {
        let mut buffer = [0; MAX_TEXT];
        while !answers.has_body(head) {
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => answers.push(buffer.get(..read).unwrap_or_default()),
            }
        }
    });
    // What came within the time is enough.
    let _ = whole.await;
    SourceError::refusal(target, head.status, &answers.text(head))
}

fn secs(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}
