//! The booth: where a source client is heard, and what becomes of the mount when it is silent.
//!
//! A source's own mount sends its relay from the start. The station's mount changes to it with its
//! first whole frame: the station is asked to hold its song first, so that no frame of that is lost,
//! and goes on with it when the show falls silent or ends.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    relay::{LinkReporter, Relay},
    server::{feeder::Feeder, mount::Mount, mounts::Mounts},
};

/// How long a show waits for the station to hold its song; a station that takes longer loses frames.
const HOLD_PATIENCE: Duration = Duration::from_millis(200);
/// What the station's state says meanwhile.
const ON_AIR: &str = "a live show is on air";

/// A source client's hold on its mount; dropping it gives the mount back.
#[derive(Debug)]
pub(super) struct Booth {
    mount: Arc<Mount>,
    feeder: Arc<Feeder>,
    relay: Relay,
    mounts: Arc<Mounts>,
    link: LinkReporter,
    /// Where in its relay it is heard from when it comes on air.
    from: u64,
}

impl Booth {
    pub(super) fn new(
        mount: Arc<Mount>,
        feeder: Arc<Feeder>,
        relay: Relay,
        mounts: Arc<Mounts>,
        link: LinkReporter,
    ) -> Self {
        Self { mount, feeder, relay, mounts, link, from: 0 }
    }

    pub(super) fn mount(&self) -> &Arc<Mount> {
        &self.mount
    }

    pub(super) fn feeder(&self) -> &Arc<Feeder> {
        &self.feeder
    }

    /// What it fills.
    pub(super) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// It is a show on the station's own mount.
    pub(super) fn is_show(&self) -> bool {
        self.mount.station().is_some()
    }

    /// Listeners of the mount hear it.
    fn is_on_air(&self) -> bool {
        self.mount.relay().is(&self.relay)
    }

    /// Has it heard where it has sent something new.
    pub(super) async fn go_on_air(&self) {
        if self.is_on_air() || self.relay.end() == self.from {
            return;
        }
        if self.is_show() {
            let change = self.link.lend(ON_AIR.to_owned());
            if timeout(HOLD_PATIENCE, self.link.heard(change)).await.is_err() {
                tracing::debug!("the station was not heard of before a show came on air");
            }
            tracing::info!(address = %self.feeder.address, "{ON_AIR}");
        }
        self.mount.as_feeder(&self.feeder, |feed| feed.change(self.relay.clone(), self.from));
    }

    /// A show has fallen silent: the station is heard until it sends again.
    pub(super) fn give_back(&mut self) {
        self.from = self.relay.end();
        let Some(station) = self.mount.station() else { return };
        self.mount.as_feeder(&self.feeder, |feed| {
            if !feed.now().relay.is(station) {
                feed.change(station.clone(), station.end());
                tracing::info!("the station is on air again");
            }
            // Behind the change: the song's next frame is heard.
            self.link.take_back();
        });
    }
}

impl Drop for Booth {
    fn drop(&mut self) {
        self.give_back();
        if self.mount.leave(&self.feeder) && !self.is_show() {
            self.mounts.close(&self.mount);
        }
    }
}
