//! The runtime: one thread for all sockets.

use std::{
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, bounded};
use tokio::{
    runtime::Builder,
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    icecast::{self, Target},
    relay::{LinkReporter, Relay},
    server::{Handed, Server},
    web::{Door, Site},
};

/// Threads that may wait for the disk on behalf of requests: while it hangs, edits and commands that
/// wait for it must leave room for what does not.
const BLOCKING_THREADS: usize = 64;
/// How long an idle one of them stays.
const BLOCKING_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// The running thread.
#[derive(Debug)]
pub(super) struct Runtime {
    stop: watch::Sender<bool>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// All that the thread runs.
pub(super) struct Sockets {
    pub(super) server: Server,
    /// Connections that are for the web.
    pub(super) handed: mpsc::Receiver<Handed>,
    pub(super) relay: Relay,
    /// A real Icecast, and the link by which it is reported.
    pub(super) icecast: Option<(Target, LinkReporter)>,
    pub(super) site: Site,
}

impl Runtime {
    pub(super) fn start(sockets: Sockets) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_keep_alive(BLOCKING_KEEP_ALIVE)
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = bounded(1);
        let thread = thread::Builder::new().name("runtime".into()).spawn(move || {
            runtime.block_on(all_sockets(sockets, stopped));
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

/// Runs the server, the web and the source client until `stopped`; then lets the first and the
/// last end by themselves.
async fn all_sockets(sockets: Sockets, mut stopped: watch::Receiver<bool>) {
    let Sockets { server, handed, relay, icecast, site } = sockets;
    let door = Door::new(handed, |handed| (handed.io, handed.peer), server.local_addr());
    let web = tokio::spawn(door.serve(site));
    let mut outputs = JoinSet::new();
    let mut server_stop = stopped.clone();
    outputs.spawn(async move {
        let stop = async move {
            let _ = server_stop.wait_for(|stop| *stop).await;
        };
        if let Err(error) = server.run(stop).await {
            tracing::error!("{error}");
        }
    });
    if let Some((target, link)) = icecast {
        let titles = relay.titles();
        outputs.spawn(icecast::run(target, relay, link, titles, stopped.clone()));
    }
    // The sender lives as long as the stream: an error means that it is gone, and so are we.
    let _ = stopped.wait_for(|stop| *stop).await;
    web.abort();
    while outputs.join_next().await.is_some() {}
}
