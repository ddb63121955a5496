//! The runtime: one thread for all sockets.

use std::{
    io,
    net::SocketAddr,
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::Router;
use crossbeam_channel::{Receiver, bounded};
use tokio::{
    runtime::Builder,
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    icecast::{self, Target},
    relay::{LinkReporter, Relay},
    server::Server,
    web::Door,
};

/// Threads that may wait for the disk on behalf of requests.
const BLOCKING_THREADS: usize = 8;
/// How long an idle one of them stays.
const BLOCKING_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// The running thread.
#[derive(Debug)]
pub(super) struct Runtime {
    stop: watch::Sender<bool>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// A real Icecast, and the link by which it is reported.
pub(super) type IcecastOutput = (Target, LinkReporter);

impl Runtime {
    pub(super) fn start(
        server: Server,
        mount: LinkReporter,
        relay: Relay,
        icecast: Option<IcecastOutput>,
        router: Router,
    ) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_keep_alive(BLOCKING_KEEP_ALIVE)
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = bounded(1);
        let thread = thread::Builder::new().name("runtime".into()).spawn(move || {
            runtime.block_on(all_sockets(server, mount, relay, icecast, router, stopped));
            runtime.shutdown_background();
            let _ = end.send(());
        })?;
        Ok(Self { stop, ended, thread })
    }

    /// Ends all sockets; false where they were dropped because they took longer than `patience`.
    pub(super) fn stop(self, patience: Duration) -> bool {
        self.stop.send_replace(true);
        let in_time = self.ended.recv_timeout(patience).is_ok();
        if in_time {
            // It has said that it is done: joining waits for its last instruction only.
            let _ = self.thread.join();
        }
        in_time
    }
}

async fn all_sockets(
    server: Server,
    mount: LinkReporter,
    relay: Relay,
    icecast: Option<IcecastOutput>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    todo!()
}
