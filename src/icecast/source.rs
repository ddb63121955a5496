//! One connection as source client: from the target to a socket that takes frames.
//!
//! `PUT` with `Expect: 100-continue` first; servers that do not know it get `SOURCE`, which is
//! remembered. The body is raw MP3, neither chunked nor with a length, because Icecast 2.4 would
//! hand chunk marks on to its listeners.

use std::{io, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    SourceError, Target, Tls, USER_AGENT,
    answer::{Answers, MAX_TEXT},
    socket::Socket,
};
use crate::net::{
    dial::dial,
    head::{HeadError, RequestHead, ResponseHead},
    percent::encode_path,
    tls,
};

/// How long the text of a refusal is waited for once its head is there.
const TEXT_WAIT: Duration = Duration::from_secs(1);
/// Bytes of a name, description, genre or URL that are sent at most.
const MAX_FIELD: usize = 500;

/// A connection that the server has accepted.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) socket: Socket,
    pub(super) answers: Answers,
}

/// What the frames are, for the server's statistics.
#[derive(Debug, Clone, Copy)]
pub(super) struct AudioInfo {
    /// kbit/s.
    pub(super) bitrate: u16,
    /// Hz.
    pub(super) sample_rate: u32,
    /// 1 or 2.
    pub(super) channels: u8,
}

/// What earlier connections have taught us about this server.
#[derive(Debug, Default)]
pub(super) struct Memory {
    method: Method,
    encryption: Encryption,
    trust: Option<Arc<ClientConfig>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Method {
    #[default]
    Put,
    Source,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Encryption {
    #[default]
    Unknown,
    /// It accepted us without TLS while it spoke none.
    Plain,
    /// It spoke TLS: from then on nothing is sent to it in the clear.
    Tls,
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
        SourceError::Status { status: 400 | 405 | 501, .. } | SourceError::ClosedInHandshake { .. }
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
        memory.encryption = if outcome.is_ok() { Encryption::Plain } else { Encryption::Unknown };
    }
    outcome
}

/// The whole request head.
fn request(
    target: &Target,
    method: Method,
    audio: Option<AudioInfo>,
) -> Result<Vec<u8>, SourceError> {
    if target.user.contains(':') {
        let error = HeadError::Control { name: "a colon, which ends the user in HTTP, or".into() };
        return Err(SourceError::request(target, "user", &error));
    }
    write_request(target, method, audio)
        .map_err(|error| SourceError::request(target, "mountname", &error))
}

fn write_request(
    target: &Target,
    method: Method,
    audio: Option<AudioInfo>,
) -> Result<Vec<u8>, HeadError> {
    let (verb, version) = match method {
        Method::Put => ("PUT", "HTTP/1.1"),
        Method::Source => ("SOURCE", "HTTP/1.0"),
    };
    let login = BASE64_STANDARD.encode(format!("{}:{}", target.user, target.password));
    let mut head = RequestHead::new(verb, &encode_path(&target.path()), version)?
        .header("Host", &target.authority())?
        .header("Authorization", &format!("Basic {login}"))?
        .header("User-Agent", USER_AGENT)?
        .header("Content-Type", "audio/mpeg")?
        .header("ice-public", if target.public { "1" } else { "0" })?;
    if method == Method::Put {
        head = head.header("Expect", "100-continue")?;
    }
    let fields = [
        ("ice-name", &target.name),
        ("ice-description", &target.description),
        ("ice-genre", &target.genre),
        ("ice-url", &target.url),
    ];
    for (name, value) in fields {
        let value = clean(value);
        if !value.is_empty() {
            head = head.header(name, &value)?;
        }
    }
    if let Some(audio) = audio {
        let AudioInfo { bitrate, sample_rate, channels } = audio;
        let info =
            format!("ice-samplerate={sample_rate};ice-bitrate={bitrate};ice-channels={channels}");
        head = head.header("ice-bitrate", &bitrate.to_string())?.header("ice-audio-info", &info)?;
    }
    head.finish()
}

/// One line of bounded length: control characters become spaces.
fn clean(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        if line.len() + character.len_utf8() > MAX_FIELD {
            break;
        }
        line.push(character);
    }
    line.trim().to_owned()
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
        return Ok(Socket::Plain(tcp));
    }
    match encrypted(target, memory, tcp).await {
        Err(SourceError::NoTls { .. }) if encryption == Encryption::Unknown => {
            Ok(Socket::Plain(connected(target).await?))
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
    dial(target.bare_host(), target.port, target.own_listen, target.limits.dial)
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
            Ok(Socket::Tls(tcp, Box::new(session)))
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
            if head.status == 100 || head.status >= 200 {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(target: &Target, method: Method) -> String {
        let audio = AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 };
        String::from_utf8(request(target, method, Some(audio)).unwrap()).unwrap()
    }

    #[test]
    fn the_request_has_what_icecast_reads_and_nothing_of_http_bodies() {
        let target = Target {
            password: "hackme".to_owned(),
            mount: "live ö".to_owned(),
            name: "Käse & Co".to_owned(),
            genre: "various".to_owned(),
            public: true,
            ..Target::default()
        };
        let put = head_of(&target, Method::Put);
        assert!(
            put.starts_with("PUT /live%20%C3%B6 HTTP/1.1\r\nHost: localhost:8000\r\n"),
            "{put}"
        );
        for line in [
            "Authorization: Basic c291cmNlOmhhY2ttZQ==",
            "Content-Type: audio/mpeg",
            "Expect: 100-continue",
            "ice-public: 1",
            "ice-name: Käse & Co",
            "ice-genre: various",
            "ice-bitrate: 128",
            "ice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=2",
        ] {
            assert!(put.contains(&format!("\r\n{line}\r\n")), "{line} is not in {put}");
        }
        assert!(!put.contains("Transfer-Encoding") && !put.contains("Content-Length"));
        assert!(!put.contains("ice-url"), "what is empty is not sent");
        let source = head_of(&target, Method::Source);
        assert!(source.starts_with("SOURCE /live%20%C3%B6 HTTP/1.0\r\n"), "{source}");
        assert!(!source.contains("Expect"));
    }

    #[test]
    fn no_setting_can_add_a_header() {
        let evil = "x\r\nice-evil: 1\r\n\r\nbody".to_owned();
        let target = Target {
            mount: evil.clone(),
            user: "u\r\nEvil".to_owned(),
            password: evil.clone(),
            name: evil.clone(),
            description: evil.clone(),
            genre: evil.clone(),
            url: evil.clone(),
            ..Target::default()
        };
        let head = head_of(&target, Method::Put);
        assert!(!head.contains("\nice-evil"), "{head}");
        assert_eq!(head.matches("\r\n\r\n").count(), 1);
        let target = Target { host: evil, ..Target::default() };
        assert!(matches!(request(&target, Method::Put, None), Err(SourceError::Setting { .. })));
        let target = Target { user: "a:b".to_owned(), ..Target::default() };
        assert!(matches!(
            request(&target, Method::Put, None),
            Err(SourceError::Setting { key: "user", .. })
        ));
    }

    #[test]
    fn the_longest_settings_still_fit_what_icecast_reads() {
        let long = "ö".repeat(5000);
        let target = Target {
            name: long.clone(),
            description: long.clone(),
            genre: long.clone(),
            url: long,
            ..Target::default()
        };
        let head = head_of(&target, Method::Put);
        assert!(head.len() < 4000, "{}", head.len());
    }
}
