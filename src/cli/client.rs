//! The client: talks to a running server over its HTTP API.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header::CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Refused},
    events::Events,
    failure::Usage,
    wire::{Accepted, Added, Position, Queue, ScanView, Songs},
};
use crate::{
    config::Password,
    ids::{EntryId, SongId},
    net::tls,
};

/// A server that has not taken the connection by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An answer takes longer only where a large file is imported or copied.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of an answer at most: a queue of some hundred thousand entries.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
const API: &str = "/api/v1";

/// A connection to one server.
pub(super) struct Client {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    url: String,
    token: Option<Password>,
}

/// What the API says when it says no.
#[derive(Debug, Deserialize)]
struct Trouble {
    error: TroubleDetail,
}

#[derive(Debug, Deserialize)]
struct TroubleDetail {
    code: String,
    message: String,
}

impl Client {
    /// For the server at `url`; nothing is sent yet.
    pub(super) fn new(url: &str, token: Option<Password>) -> Result<Self> {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let parsed = Url::parse(&url).ok().filter(|url| url.has_host());
        let scheme = parsed.as_ref().map(Url::scheme).unwrap_or_default();
        let trust = match scheme {
            "http" => tls::plain_only()?,
            "https" => tls::client(&[])?,
            _ => {
                return Err(
                    Usage(format!("--server {url} is no URL; write http://HOST:PORT")).into()
                );
            }
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(trust)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("the HTTP client cannot be set up")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, http, url: url.trim_end_matches('/').to_owned(), token })
    }

    /// The server's address.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What the server does now, as it says it.
    pub(super) fn state(&self) -> Result<Value> {
        self.call(Method::GET, "/state", None)
    }

    /// Play or pause.
    pub(super) fn play(&self, play: bool) -> Result<Accepted> {
        self.call(Method::POST, "/play", Some(json!({ "play": play })))
    }

    /// End the current song.
    pub(super) fn next(&self) -> Result<Accepted> {
        self.call(Method::POST, "/next", None)
    }

    /// Calls `each` with the data of every event, until it fails or the server ends.
    pub(super) fn follow(&self, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        let request = self.request(Method::GET, "/events");
        let mut response =
            self.runtime.block_on(async { self.checked(request.send().await).await })?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
            bail!("{} answered what musicdb-stream does not; check the address", self.url);
        }
        let mut events = Events::default();
        loop {
            let chunk = match self.runtime.block_on(response.chunk()) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(()),
                Err(error) if is_end(&error) => return Ok(()),
                Err(error) => {
                    let reason = deepest(&error);
                    bail!("the connection to {} broke: {reason}; try again", self.url);
                }
            };
            for data in events.take(&chunk) {
                each(&data)?;
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{API}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<T> {
        let request = self.request(method, path);
        self.answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
    }

    fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let request = request.timeout(ANSWER_TIMEOUT);
        let answer = self.runtime.block_on(async {
            let mut response = self.checked(request.send().await).await?;
            self.read(&mut response).await
        })?;
        serde_json::from_slice(&answer).with_context(|| {
            format!("{} answered what musicdb-stream does not; check the address", self.url)
        })
    }

    /// The response, where the server did what it was asked for; else the reason that it gives.
    async fn checked(&self, sent: reqwest::Result<Response>) -> Result<Response> {
        let mut response = sent.map_err(|error| {
            let reason = deepest(&error);
            anyhow!("no server answers at {}: {reason}; check the address, or start it with `musicdb-stream serve`", self.url)
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(anyhow!(
                "{} wants its control token; give it with --token (it is in the file control.token of the server's data directory)",
                self.url
            ));
        }
        let body = self.read(&mut response).await.unwrap_or_default();
        Err(match serde_json::from_slice::<Trouble>(&body) {
            Ok(Trouble { error: TroubleDetail { code, message } }) => {
                Refused { code, message }.into()
            }
            Err(_) => {
                anyhow!("{} answered {status}; is that a musicdb-stream of this version?", self.url)
            }
        })
    }

    async fn read(&self, response: &mut Response) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let broken = || format!("the answer of {} broke off; try again", self.url);
        while let Some(chunk) = response.chunk().await.with_context(broken)? {
            if body.len() + chunk.len() > LONGEST_ANSWER {
                return Err(anyhow!("the answer of {} is too long; check the address", self.url));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Desk for Client {
    fn queue(&self) -> Result<Queue> {
        self.call(Method::GET, "/queue", None)
    }

    fn add(&self, song: SongId, position: Position) -> Result<EntryId> {
        let body = json!({ "song_id": song, "position": position });
        Ok(self.call::<Added>(Method::POST, "/queue", Some(body))?.entry_id)
    }

    fn add_random(&self, position: Position) -> Result<EntryId> {
        let body = json!({ "position": position });
        Ok(self.call::<Added>(Method::POST, "/queue/random", Some(body))?.entry_id)
    }

    fn remove(&self, entry: EntryId) -> Result<()> {
        self.call::<Value>(Method::DELETE, &format!("/queue/{entry}"), None).map(drop)
    }

    fn move_after(&self, entry: EntryId, after: EntryId) -> Result<()> {
        let body = json!({ "after": after });
        self.call::<Value>(Method::POST, &format!("/queue/{entry}/move"), Some(body)).map(drop)
    }

    fn clear(&self) -> Result<()> {
        self.call::<Value>(Method::DELETE, "/queue", None).map(drop)
    }

    fn songs(&self, text: &str, limit: u64, offset: u64) -> Result<Songs> {
        let words = self.request(Method::GET, "/songs").query(&[("q", text)]);
        self.answer(words.query(&[("limit", limit), ("offset", offset)]))
    }

    fn import(&self, file: &Path) -> Result<SongId> {
        #[derive(Deserialize)]
        struct Imported {
            song_id: SongId,
        }
        let body = json!({ "file": utf8(file)? });
        let imported = self.call::<Imported>(Method::POST, "/import", Some(body));
        Ok(imported.map_err(|refusal| about(file, refusal))?.song_id)
    }

    fn start_scan(&self, folders: &[PathBuf]) -> Result<()> {
        let folders = folders.iter().map(|folder| utf8(folder)).collect::<Result<Vec<_>>>()?;
        self.call::<Value>(Method::POST, "/scan", Some(json!({ "folders": folders }))).map(drop)
    }

    fn scan_view(&self) -> Result<ScanView> {
        self.call(Method::GET, "/scan", None)
    }

    fn backup(&self, file: &Path) -> Result<()> {
        let written =
            self.call::<Value>(Method::POST, "/backup", Some(json!({ "file": utf8(file)? })));
        written.map(drop).map_err(|refusal| about(file, refusal))
    }
}

/// A server's answers name no paths: this says which file it was about.
fn about(file: &Path, refusal: anyhow::Error) -> anyhow::Error {
    refusal.context(file.display().to_string())
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| {
        format!(
            "{} is not UTF-8 and cannot be sent to the server; stop it and try again",
            path.display()
        )
    })
}

/// The server closed the connection, in the middle of its answer: it has ended.
fn is_end(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return io.kind() == io::ErrorKind::UnexpectedEof;
        }
        cause = inner.source();
    }
    false
}

/// The cause at the bottom, such as "Connection refused (os error 111)".
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
