//! The authentication server: asked by POST who may listen, and told who leaves, as Icecast 2.4 does.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, HeaderMap},
    redirect::Policy,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{Caller, Session, Ticket, Verdict, session::Form};
use crate::{icy::head_text, net::tls};

/// For one question, the wait for its turn included, as Icecast gives it.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// Questions at once, and as many reports of those who left.
const AT_ONCE: usize = 16;
/// Reports that wait; beyond them they are lost, which the log tells.
const REPORTS: usize = 4096;
/// Characters of a refusal's text that are passed on.
const MAX_MESSAGE: usize = 200;

/// A server that is asked.
#[derive(Debug)]
pub(in crate::server) struct AuthServer {
    http: Client,
    add: String,
    remove: Option<String>,
    room: Semaphore,
    /// The way to the task that reports who leaves; made with the first listener.
    reports: OnceLock<mpsc::Sender<Form>>,
}

/// Why a server cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    /// TLS cannot be set up: see its words.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

impl AuthServer {
    /// Asks at `add`, and tells `remove` where it is there.
    pub(super) fn new(add: &str, remove: Option<&str>) -> Result<Self, SetupError> {
        let is_plain = [Some(add), remove].iter().flatten().all(|url| url.starts_with("http://"));
        let trust = if is_plain { tls::plain_only()? } else { tls::client(&[])? };
        let http = Client::builder()
            .tls_backend_preconfigured(trust)
            .no_proxy()
            .redirect(Policy::none())
            .timeout(ANSWER_LIMIT)
            .user_agent(concat!("musicdb-stream/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            add: add.to_owned(),
            remove: remove.map(str::to_owned),
            room: Semaphore::new(AT_ONCE),
            reports: OnceLock::new(),
        })
    }

    /// Asks whether this caller may listen.
    pub(super) async fn ask(&self, caller: &Caller) -> Verdict {
        let asked = async {
            let _permit = self.room.acquire().await;
            post(&self.http, &self.add, Form::add(caller).body()).await
        };
        match timeout(ANSWER_LIMIT, asked).await {
            Ok(Ok(answer)) => self.judge(caller, answer.headers()),
            Ok(Err(error)) => {
                tracing::warn!(error = %deepest(&error), "the server of mount.listener_url cannot be asked: a listener was turned away");
                Verdict::Unknown
            }
            Err(_) => {
                tracing::warn!(
                    "the server of mount.listener_url does not answer in 15 s: a listener was turned away"
                );
                Verdict::Unknown
            }
        }
    }

    /// What the answer's headers say; its status and body say nothing, as with Icecast.
    fn judge(&self, caller: &Caller, headers: &HeaderMap) -> Verdict {
        let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if said("icecast-auth-user").map(str::trim) != Some("1") {
            let message = said("icecast-auth-message").map(head_text);
            let message = message.map(|text| text.chars().take(MAX_MESSAGE).collect());
            return Verdict::Refused(message);
        }
        let seconds = said("icecast-auth-timelimit").and_then(|text| text.trim().parse().ok());
        let session = self
            .remove
            .as_ref()
            .map(|url| Session::new(Form::remove(caller), Instant::now(), self.reports(url)));
        let user = caller.login.as_ref().map_or("", |login| login.user()).to_owned();
        let (id, time_limit) = (Some(caller.id), seconds.map(Duration::from_secs));
        Verdict::Admitted(Ticket { id, user, time_limit, session })
    }

    /// The way to the task that reports to `url`, which ends with the last session and this server.
    fn reports(&self, url: &str) -> mpsc::Sender<Form> {
        let start = || {
            let (sender, reports) = mpsc::channel(REPORTS);
            tokio::spawn(report_all(self.http.clone(), url.to_owned(), reports));
            sender
        };
        self.reports.get_or_init(start).clone()
    }
}

/// Sends each report, several at once; one that does not arrive is not sent again.
async fn report_all(http: Client, url: String, mut reports: mpsc::Receiver<Form>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(form) = reports.recv().await {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (http, url) = (http.clone(), url.clone());
        tokio::spawn(async move {
            if let Err(error) = post(&http, &url, form.body()).await {
                tracing::warn!(error = %deepest(&error), "the server of mount.listener_url_remove was not told that a listener has left");
            }
            drop(permit);
        });
    }
}

async fn post(http: &Client, url: &str, body: String) -> reqwest::Result<Response> {
    let form = "application/x-www-form-urlencoded";
    http.post(url).header(CONTENT_TYPE, form).body(body).send().await
}

/// The innermost cause; reqwest's own text has the URL in it, which may hold a secret.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}
