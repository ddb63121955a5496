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
    time::{sleep, timeout},
};

use super::{Caller, Session, Ticket, Verdict, session::Form};
use crate::{config::WebAddress, icy::head_text, net::tls};

/// For one question, the wait for its turn included, as Icecast gives it.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// Questions at once, and as many reports of those who left.
const AT_ONCE: usize = 16;
/// Reports that wait; beyond them they are lost, which the log tells.
const REPORTS: usize = 4096;
/// Before a report is sent once more whose server was not there: it starts again, most likely.
const REPORT_PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// Characters of a refusal's text that are passed on.
const MAX_MESSAGE: usize = 200;

/// A server that is asked.
#[derive(Debug)]
pub(in crate::server) struct AuthServer {
    http: Client,
    add: WebAddress,
    remove: Option<WebAddress>,
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
    pub(super) fn new(add: &WebAddress, remove: Option<&WebAddress>) -> Result<Self, SetupError> {
        let mut urls = [Some(add), remove].into_iter().flatten();
        let is_plain = urls.all(|url| url.reveal().starts_with("http://"));
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
            add: add.clone(),
            remove: remove.cloned(),
            room: Semaphore::new(AT_ONCE),
            reports: OnceLock::new(),
        })
    }

    /// Asks whether this caller may listen.
    pub(super) async fn ask(&self, caller: &Caller, may: impl FnOnce() -> bool) -> Verdict {
        let asked = async {
            let _permit = self.room.acquire().await;
            if !may() {
                return None;
            }
            Some(post(&self.http, &self.add, Form::add(caller).body()).await)
        };
        match timeout(ANSWER_LIMIT, asked).await {
            Ok(None) => Verdict::LockedOut,
            Ok(Some(Ok(answer))) => self.judge(caller, answer.headers()),
            Ok(Some(Err(error))) => {
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
    fn reports(&self, url: &WebAddress) -> mpsc::Sender<Form> {
        let start = || {
            let (sender, reports) = mpsc::channel(REPORTS);
            tokio::spawn(report_all(self.http.clone(), url.clone(), reports));
            sender
        };
        self.reports.get_or_init(start).clone()
    }
}

/// Sends each report, several at once.
async fn report_all(http: Client, url: WebAddress, mut reports: mpsc::Receiver<Form>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(form) = reports.recv().await {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let (http, url) = (http.clone(), url.clone());
        tokio::spawn(async move {
            if let Err(error) = report(&http, &url, &form).await {
                tracing::warn!(error = %deepest(&error), "the server of mount.listener_url_remove was not told that a listener has left");
            }
            drop(permit);
        });
    }
}

/// Sends one report. It is sent again only where nothing of it can have arrived, so that nobody is
/// reported twice.
async fn report(http: &Client, url: &WebAddress, form: &Form) -> reqwest::Result<()> {
    for pause in REPORT_PAUSES {
        match post(http, url, form.body()).await {
            Err(error) if error.is_connect() => sleep(pause).await,
            answer => return answer.map(drop),
        }
    }
    post(http, url, form.body()).await.map(drop)
}

async fn post(http: &Client, url: &WebAddress, body: String) -> reqwest::Result<Response> {
    let form = "application/x-www-form-urlencoded";
    http.post(url.reveal()).header(CONTENT_TYPE, form).body(body).send().await
}

/// The innermost cause; reqwest's own text has the URL in it, which may hold a secret.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tokio::time::Instant as Moment;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_waited_for_as_long_as_icecast_waits() {
        // It accepts into its backlog, and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let server = AuthServer::new(&url.into(), None).unwrap();
        let caller = Caller {
            id: 1,
            login: None,
            mount: "/live".into(),
            address: [127, 0, 0, 1].into(),
            user_agent: String::new(),
            server: "radio".into(),
            port: 8000,
        };
        let begun = Moment::now();
        // The room is taken, too: waiting for it counts.
        let held = server.room.acquire_many(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        let asked =
            timeout(Duration::from_secs(60), server.ask(&caller, || true)).await.expect("it ends");
        assert!(matches!(asked, Verdict::Unknown), "{asked:?}");
        assert_eq!(begun.elapsed().as_secs(), 15);
        drop(held);
        let begun = Moment::now();
        let asked =
            timeout(Duration::from_secs(60), server.ask(&caller, || true)).await.expect("it ends");
        assert!(matches!(asked, Verdict::Unknown), "{asked:?}");
        assert_eq!(begun.elapsed().as_secs(), 15);
    }
}
