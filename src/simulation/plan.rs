//! The plan of a run: what one seed chooses before the first second.

use std::time::Duration;

use super::dice::Dice;
use crate::config::{AfterReconnect, Mixed, OnLoss};

/// How a run is set up.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) tick: Duration,
    /// A real Icecast is where the stream goes to; else the embedded mount, which never goes away.
    pub(super) has_icecast: bool,
    pub(super) on_loss: OnLoss,
    pub(super) after_reconnect: AfterReconnect,
    /// Faulty songs among a hundred.
    pub(super) bad_percent: u64,
    /// Most songs' frames point back into their reservoir.
    pub(super) points_back: bool,
    pub(super) kills: bool,
    pub(super) clock_jumps: bool,
    pub(super) mixed: Mixed,
}

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let dice = &mut Dice::new(seed);
        let millis = match dice.below(10) {
            0 => 100,
            1 | 2 => 250,
            3..5 => 500,
            _ => 1000,
        };
        let pause = dice.percent(35);
        Self {
            seed,
            tick: Duration::from_millis(millis),
            has_icecast: dice.percent(85),
            on_loss: if dice.percent(60) { OnLoss::Hold } else { OnLoss::Continue },
            after_reconnect: if pause { AfterReconnect::Pause } else { AfterReconnect::Resume },
            bad_percent: if dice.percent(20) { 60 } else { dice.below(20) },
            points_back: dice.percent(90),
            kills: true,
            clock_jumps: true,
            mixed: if dice.percent(40) { Mixed::Skip } else { Mixed::Play },
        }
    }

    /// The same station for as long as one likes: never killed, on a clock that never jumps.
    pub(super) fn uninterrupted(seed: u64) -> Self {
        Self { kills: false, clock_jumps: false, ..Self::of(seed) }
    }
}
