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
        let builder = thread::Builder::new().name("runtime".into());
        let thread = on_thread(builder, runtime, move |runtime| {
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

/// Runs `body` with `runtime` on a thread. Where there is none, the runtime ends without waiting:
/// dropped inside another runtime, as we may be here, it would panic.
fn on_thread(
    builder: thread::Builder,
    runtime: tokio::runtime::Runtime,
    body: impl FnOnce(tokio::runtime::Runtime) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let (hand_over, handed_over) = bounded(1);
    let spawned = builder.spawn(move || {
        // An error means that whoever started us is gone without a runtime for us.
        if let Ok(runtime) = handed_over.recv() {
            body(runtime);
        }
    });
    match spawned {
        Ok(thread) => {
            // There is room for it, and the thread waits for nothing else.
            let _ = hand_over.send(runtime);
            Ok(thread)
        }
        Err(error) => {
            runtime.shutdown_background();
            Err(error)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// More than any address space: no thread gets it.
    const NO_STACK: usize = usize::MAX / 2 + 1;

    #[test]
    fn inside_another_runtime_too_a_thread_that_cannot_be_started_is_an_error_and_no_panic() {
        let made = || Builder::new_current_thread().enable_all().build().unwrap();
        made().block_on(async {
            let builder = thread::Builder::new().stack_size(NO_STACK);
            on_thread(builder, made(), |_| {}).unwrap_err();
        });
    }
}
