//! The session: one source client's connection, from its welcome to its end.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{
    body::Body,
    booth::Booth,
    chunked::Malformed,
    handshake::Offer,
    inline::Part,
    intake::{Intake, Unusable},
};
use crate::{
    relay::Relay,
    server::{document::Documents, door::Guest, fan::Fan, mount::Mount},
};

/// A source client that sends nothing for so long is gone: Icecast's `source-timeout`.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(10);
/// A show on the station's mount that sends nothing for so long gives it back until it sends again.
const SHOW_PATIENCE: Duration = Duration::from_secs(3);
/// For the welcome to be taken.
const WELCOME_LIMIT: Duration = Duration::from_secs(5);
/// Most bytes of one read.
const READ: usize = 16 * 1024;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("it has ended its stream")]
    Finished,
    #[error("its connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("it sent nothing for {} s", SOURCE_TIMEOUT.as_secs())]
    Silent,
    #[error("another one took its mount, or an administrator ended it")]
    Asked,
    #[error("the server stops")]
    Stopped,
    #[error("{0}")]
    Unusable(#[from] Unusable),
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// A source client that may send.
#[derive(Debug)]
pub(in crate::server) struct Session {
    offer: Offer,
    booth: Booth,
    body: Body,
    intake: Intake,
    stop: watch::Receiver<bool>,
}

impl Session {
    pub(super) fn new(
        offer: Offer,
        booth: Booth,
        stop: watch::Receiver<bool>,
        now: std::time::Instant,
    ) -> Self {
        let (body, intake) = (Body::new(&offer), Intake::new(offer.codec, now));
        Self { offer, booth, body, intake, stop }
    }

    /// Where it is heard.
    pub(in crate::server) fn mount(&self) -> &Arc<Mount> {
        self.booth.mount()
    }

    /// What it will fill.
    pub(in crate::server) fn relay(&self) -> &Relay {
        self.booth.relay()
    }

    /// Welcomes the client and takes what it sends, `begun` with what came behind its head. Its
    /// listeners are served and the server stays alive for as long.
    pub(in crate::server) async fn run(
        mut self,
        mut guest: Guest,
        begun: Vec<u8>,
        (documents, fan, alive): (Arc<Documents>, Arc<Fan>, mpsc::Sender<()>),
    ) {
        let (mount, address) = (self.offer.mount.clone(), self.booth.feeder().address);
        tracing::info!(mount, %address, client = self.offer.user_agent, "a source has come");
        let welcome = guest.stream.write_all(self.offer.welcome());
        let end = match timeout(WELCOME_LIMIT, welcome).await {
            Ok(Ok(())) => self.listen(&mut guest.stream, &begun).await,
            Ok(Err(error)) => End::Broken(error),
            Err(_) => End::Silent,
        };
        self.intake.end(self.booth.relay(), std::time::Instant::now());
        if let End::Unusable(_) | End::Malformed(_) = end {
            tracing::warn!(mount, %address, "a source was sent away: {end}");
        } else {
            tracing::info!(mount, %address, "a source has left: {end}");
        }
        // The mount first: what is there is heard before the server may end.
        drop(self.booth);
        drop((fan, alive));
        if let Some(visit) = &guest.visit {
            documents.access_log.note(visit, 200, self.offer.welcome().len() as u64);
        }
    }

    async fn listen(&mut self, stream: &mut (impl AsyncRead + Unpin), begun: &[u8]) -> End {
        let feeder = Arc::clone(self.booth.feeder());
        let asked = feeder.end.notified();
        tokio::pin!(asked);
        let mut stop = self.stop.clone();
        let mut buffer = vec![0; READ];
        // Since it was heard of last: a show has given the mount back.
        let (mut heard, mut is_given_back) = (Instant::now(), false);
        if let Some(end) = self.take(begun).await {
            return end;
        }
        loop {
            let has_patience = self.booth.is_show() && !is_given_back;
            let read = tokio::select! {
                biased;
                () = &mut asked => return End::Asked,
                () = stopped(&mut stop) => return End::Stopped,
                read = stream.read(&mut buffer) => read,
                () = sleep_until(heard + SHOW_PATIENCE), if has_patience => {
                    self.booth.give_back();
                    is_given_back = true;
                    continue;
                }
                () = sleep_until(heard + SOURCE_TIMEOUT) => return End::Silent,
            };
            match read {
                Ok(0) => return End::Finished,
                Ok(len) => {
                    (heard, is_given_back) = (Instant::now(), false);
                    if let Some(end) = self.take(buffer.get(..len).unwrap_or(&[])).await {
                        return end;
                    }
                }
                Err(error) => return End::Broken(error),
            }
        }
    }

    /// Takes what has come; the session's end where it has one.
    async fn take(&mut self, bytes: &[u8]) -> Option<End> {
        let Self { booth, body, intake, .. } = self;
        let now = std::time::Instant::now();
        booth.mount().note_read(bytes.len(), now);
        let mut result = Ok(());
        let unwrapped = body.take(bytes, |part| match part {
            Part::Sound(sound) if result.is_ok() => result = intake.take(sound, booth.relay(), now),
            Part::Sound(_) => {}
            Part::Title(title) => booth.relay().set_title(title),
        });
        booth.go_on_air().await;
        match (result, unwrapped) {
            (Err(unusable), _) => Some(unusable.into()),
            (Ok(()), Err(malformed)) => Some(malformed.into()),
            (Ok(()), Ok(())) => body.is_over().then_some(End::Finished),
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender lives as long as the server: an error means that it is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use tokio::{io::duplex, time::sleep};

    use super::*;
    use crate::{
        bell::Bell,
        config::Live,
        relay::Links,
        server::{
            mounts::Mounts,
            options::ServerOptions,
            request::{Head, read_head},
            source::Sources,
        },
    };

    /// A source client on `/live` that sends a byte after each of these pauses, and then nothing:
    /// why it was ended, after how many seconds, and whether its mount is gone.
    async fn ended_after(pauses: &'static [u64]) -> (End, u64, bool) {
        let options =
            ServerOptions { source_password: "secret".into(), ..ServerOptions::default() };
        let mounts = Arc::new(Mounts::of(&options, Relay::new()));
        let link = Links::new(Bell::new()).reporter("mount");
        let sources = Sources::new(&mounts, link, Live::Takeover);
        // `source:secret`.
        let head = b"SOURCE /live HTTP/1.0\r\nAuthorization: Basic c291cmNlOnNlY3JldA==\r\n\r\n";
        let Ok(Head::Whole(request)) = read_head(head, 0) else { panic!() };
        let address = [127, 0, 0, 1].into();
        let now = std::time::Instant::now();
        let mut session = sources.admit(&request, &options, address, now).unwrap();
        let (mut ours, mut theirs) = duplex(64);
        tokio::spawn(async move {
            for pause in pauses {
                sleep(Duration::from_secs(*pause)).await;
                theirs.write_all(b"x").await.unwrap();
            }
            // The connection stays.
            std::future::pending::<()>().await;
        });
        let begun = Instant::now();
        let end = session.listen(&mut ours, b"").await;
        let lasted = begun.elapsed().as_secs();
        assert!(mounts.find(b"/live").is_some());
        drop(session);
        (end, lasted, mounts.find(b"/live").is_none())
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_is_silent_for_ten_seconds_is_ended_and_its_mount_with_it() {
        assert!(matches!(ended_after(&[]).await, (End::Silent, 10, true)));
        assert!(matches!(ended_after(&[9, 9, 9]).await, (End::Silent, 37, true)));
    }
}
