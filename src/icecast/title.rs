//! Titles: sent to the server beside the stream, the newest only, and never a reason to stop it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{Client, StatusCode, redirect::Policy};
use rustls::ClientConfig;
use tokio::{sync::watch, time::sleep};

use super::{Target, USER_AGENT};
use crate::net::{percent, tls};

/// Bytes of an encoded title at most, so that the request's head stays within what servers read.
const MAX_TITLE: usize = 3000;
/// Longest wait between two attempts for the same title.
const MAX_RETRY: Duration = Duration::from_secs(10);
/// Attempts for the same title at the same connection.
const MAX_ATTEMPTS: u32 = 12;
/// Bytes of an answer that are read at most.
const MAX_ANSWER: usize = 8 * 1024;

/// A connection that titles can be sent for.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Counts connections: a new one needs the title again.
    pub(super) connection: u64,
    /// The server that has the connection: of several addresses of the host only this one knows
    /// the mount.
    pub(super) peer: SocketAddr,
    /// Set where the connection is encrypted, and so must the title be.
    pub(super) trust: Option<Arc<ClientConfig>>,
}

/// Why a title did not arrive. None of these ends the stream.
#[derive(Debug, thiserror::Error)]
enum TitleError {
    /// TLS cannot be set up.
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
    /// The request failed on its way.
    #[error("{}", root(.0))]
    Request(#[from] reqwest::Error),
    /// 400 or 404: the mount is not known, which Icecast 2.4 says just after a source has come.
    #[error("the server does not know the mount yet ({0})")]
    NoMount(StatusCode),
    /// 401 or 403: a retry would not help.
    #[error("the server does not accept the login for titles ({0}): see icecast.password")]
    Login(StatusCode),
    /// The server took the request and not the title.
    #[error("the server takes no title for this mount from this address: {0}")]
    NotTaken(String),
    /// Another status.
    #[error("the server answered {0}")]
    Status(StatusCode),
}

impl TitleError {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Request(_) | Self::NoMount(_) | Self::Status(_))
    }
}

/// The innermost cause; reqwest's own text has the URL in it and not the reason.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}

/// Sends the newest title whenever it or the connection changes, until the titles' sender is gone.
pub(super) async fn run(
    target: Arc<Target>,
    mut titles: watch::Receiver<Arc<str>>,
    mut places: watch::Receiver<Option<Place>>,
) {
    let mut messenger = Messenger { target, client: None, is_post: false };
    let mut sent: Option<(u64, Arc<str>)> = None;
    loop {
        let title = Arc::clone(&titles.borrow_and_update());
        let place = places.borrow_and_update().clone();
        if let Some(place) = place
            && !title.is_empty()
            && sent.as_ref() != Some(&(place.connection, Arc::clone(&title)))
        {
            // A request on its way is not cut off, or a newer title could overtake it; the waits
            // between attempts are.
            messenger.deliver(&place, &title, &mut titles, &mut places).await;
            sent = Some((place.connection, title));
        }
        if !change(&mut titles, &mut places).await {
            return;
        }
    }
}

/// Waits for a change; false where none can come.
async fn change(
    titles: &mut watch::Receiver<Arc<str>>,
    places: &mut watch::Receiver<Option<Place>>,
) -> bool {
    tokio::select! {
        changed = titles.changed() => changed.is_ok(),
        changed = places.changed() => changed.is_ok(),
    }
}

struct Messenger {
    target: Arc<Target>,
    /// Made for the first title, and anew when the server's address changes.
    client: Option<(Place, Client)>,
    /// The server wants POST: Icecast 2.5 does where it is set to be strict.
    is_post: bool,
}

impl Messenger {
    /// Tries until the title is taken, a retry makes no sense, or something newer is there.
    async fn deliver(
        &mut self,
        place: &Place,
        title: &str,
        titles: &mut watch::Receiver<Arc<str>>,
        places: &mut watch::Receiver<Option<Place>>,
    ) {
        let mut wait = self.target.limits.title_retry;
        for attempt in 1..=MAX_ATTEMPTS {
            let error = match self.send(place, title).await {
                Ok(()) => {
                    tracing::debug!(title, "Icecast has the title");
                    return;
                }
                Err(error) => error,
            };
            let is_last = attempt == MAX_ATTEMPTS || !error.is_retryable();
            let at = self.target.authority();
            if is_last || attempt == 2 {
                tracing::warn!(title, "{at} did not take the title: {error}");
            } else {
                tracing::debug!(title, "{at} did not take the title yet: {error}");
            }
            if is_last {
                return;
            }
            let newer = async {
                tokio::select! {
                    biased;
                    _ = titles.changed() => titles.mark_changed(),
                    _ = places.changed() => places.mark_changed(),
                }
            };
            tokio::select! {
                biased;
                () = newer => return,
                () = sleep(wait) => {}
            }
            wait = (wait * 2).min(MAX_RETRY);
        }
    }

    async fn send(&mut self, place: &Place, title: &str) -> Result<(), TitleError> {
        match self.request(place, title).await {
            Err(TitleError::Status(
                StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED,
            )) => {
                self.is_post = !self.is_post;
                self.request(place, title).await
            }
            outcome => outcome,
        }
    }

    async fn request(&mut self, place: &Place, title: &str) -> Result<(), TitleError> {
        let client = self.client(place)?;
        let scheme = if place.trust.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/admin/metadata", self.target.authority());
        let query = query(&self.target.path(), title);
        let request = if self.is_post {
            let form = "application/x-www-form-urlencoded";
            client.post(url).header(reqwest::header::CONTENT_TYPE, form).body(query)
        } else {
            client.get(format!("{url}?{query}"))
        };
        let login = (&self.target.user, Some(&self.target.password));
        let mut response = request.basic_auth(login.0, login.1).send().await?;
        match response.status() {
            status if status.is_success() => {}
            status @ (StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND) => {
                return Err(TitleError::NoMount(status));
            }
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                return Err(TitleError::Login(status));
            }
            status => return Err(TitleError::Status(status)),
        }
        let mut answer = Vec::new();
        while let Some(part) = response.chunk().await? {
            let room = MAX_ANSWER.saturating_sub(answer.len());
            answer.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
            if answer.len() == MAX_ANSWER {
                break;
            }
        }
        verdict(&String::from_utf8_lossy(&answer))
    }

    fn client(&mut self, place: &Place) -> Result<Client, TitleError> {
        if let Some((made_for, client)) = &self.client
            && made_for.peer == place.peer
            && made_for.trust.is_some() == place.trust.is_some()
        {
            return Ok(client.clone());
        }
        let trust = match &place.trust {
            Some(trust) => ClientConfig::clone(trust),
            None => tls::plain_only()?,
        };
        let client = Client::builder()
            .tls_backend_preconfigured(trust)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .http1_only()
            .pool_max_idle_per_host(0)
            .timeout(self.target.limits.title)
            .user_agent(USER_AGENT)
            .resolve(self.target.bare_host(), place.peer)
            .build()?;
        self.client = Some((place.clone(), client.clone()));
        Ok(client)
    }
}

/// The query, or the body of a form, that sets `title` on `mount`.
fn query(mount: &str, title: &str) -> String {
    let clean: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let song = percent::encode(percent::clip(clean.trim(), MAX_TITLE));
    format!("mode=updinfo&mount={}&song={song}&charset=UTF-8", percent::encode(mount))
}

/// Icecast 2.4 answers 200 even where it leaves the title alone, and says so in its text.
fn verdict(answer: &str) -> Result<(), TitleError> {
    if !answer.contains("will not accept") && !answer.contains("<return>0</return>") {
        return Ok(());
    }
    let message = answer.split_once("<message>").and_then(|(_, rest)| rest.split_once('<'));
    Err(TitleError::NotTaken(message.map_or("no reason given", |(text, _)| text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_19_a_title_is_encoded_byte_by_byte() {
        assert_eq!(
            query("/live ö", "Käse & Brot + 50% – 音楽"),
            "mode=updinfo&mount=%2Flive%20%C3%B6&song=K%C3%A4se%20%26%20Brot%20%2B%2050%25%20\
             %E2%80%93%20%E9%9F%B3%E6%A5%BD&charset=UTF-8"
        );
        assert_eq!(
            query("/s", "a\r\nHost: evil"),
            "mode=updinfo&mount=%2Fs&song=a%20%20Host%3A%20evil&charset=UTF-8"
        );
    }

    #[test]
    fn a_title_without_end_is_clipped() {
        assert!(query("/s", &"音".repeat(5000)).len() < MAX_TITLE + 100);
    }

    #[test]
    fn a_title_that_was_left_alone_is_no_success() {
        let answer = |message: &str, code: u8| {
            format!(
                "<iceresponse><message>{message}</message><return>{code}</return></iceresponse>"
            )
        };
        verdict(&answer("Metadata update successful", 1)).unwrap();
        let refused = verdict(&answer("Mountpoint will not accept URL updates", 1)).unwrap_err();
        assert!(refused.to_string().contains("will not accept URL updates"), "{refused}");
        assert!(!refused.is_retryable());
        verdict(&answer("No such command", 0)).unwrap_err();
    }

    #[test]
    fn a_login_that_was_refused_is_not_tried_again() {
        assert!(!TitleError::Login(StatusCode::UNAUTHORIZED).is_retryable());
        assert!(!TitleError::NotTaken("no".to_owned()).is_retryable());
        assert!(TitleError::NoMount(StatusCode::BAD_REQUEST).is_retryable());
        assert!(TitleError::Status(StatusCode::INTERNAL_SERVER_ERROR).is_retryable());
    }

    /// The name cannot be resolved at all, so only the address of the stream leads there.
    #[test]
    fn a_title_goes_to_the_very_address_that_has_the_stream() {
        use std::io::{Read as _, Write as _};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut socket, mut head, mut byte) = (listener.accept().unwrap().0, Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                socket.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            socket.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
            String::from_utf8(head).unwrap()
        });
        let target =
            Target { host: "Radio.invalid".to_owned(), port: peer.port(), ..Target::default() };
        let mut messenger = Messenger { target: Arc::new(target), client: None, is_post: false };
        let place = Place { connection: 1, peer, trust: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(messenger.send(&place, "title")).unwrap();
        let head = server.join().unwrap().to_lowercase();
        assert!(head.contains(&format!("host: radio.invalid:{}\r\n", peer.port())), "{head}");
    }
}
