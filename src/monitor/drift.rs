//! Drift: a card's clock is not the stream's; how many frames more or fewer a block takes for that.

use super::pcm::{Frame, RATE};

/// Blocks over which what waits is averaged: about two seconds of them.
const MEAN_OVER: f64 = 40.0;
/// What waits may be off by so many frames, 20 ms; each so many more are another frame in each block.
const TOLERANCE: f64 = RATE as f64 / 50.0;
/// Frames that a block may take more or fewer: with blocks of 50 ms that follows a clock that is off
/// by 900 parts in a million. Cards are off by 50.
const MOST: i32 = 2;

/// Keeps what waits for a device near its aim.
#[derive(Debug)]
pub(super) struct Drift {
    aim: f64,
    mean: f64,
}

impl Drift {
    /// What waits shall be near `aim` frames, which it is now.
    pub(super) fn new(aim: usize) -> Self {
        let aim = aim as f64;
        Self { aim, mean: aim }
    }

    /// So many frames wait as a block is taken: how many it shall take more (or, below 0, fewer).
    pub(super) fn slip(&mut self, waiting: usize) -> i32 {
        self.mean += (waiting as f64 - self.mean) / MEAN_OVER;
        #[expect(clippy::cast_possible_truncation, reason = "a few steps")]
        let steps = ((self.mean - self.aim) / TOLERANCE) as i32;
        steps.clamp(-MOST, MOST)
    }

    /// What waits is at its aim again.
    pub(super) fn reset(&mut self) {
        self.mean = self.aim;
    }

    /// So far above its aim is what waits, in the mean, that slips will not bring it back soon.
    pub(super) fn is_far_above(&self, capacity: usize) -> bool {
        self.mean - self.aim > capacity as f64 / 2.0
    }
}

/// Leaves out the frame of `block` whose neighbours lie closest to each other.
pub(super) fn leave_one_out(block: &mut Vec<Frame>) {
    if let Some(at) = quietest(block, 2) {
        block.remove(at + 1);
    }
}

/// Plays the frame of `block` twice from which the next one lies closest.
pub(super) fn double_one(block: &mut Vec<Frame>) {
    if let Some(at) = quietest(block, 1)
        && let Some(frame) = block.get(at).copied()
    {
        block.insert(at, frame);
    }
}

/// In silence it is looked no further than this for a place.
const SILENT_START: usize = 64;

/// Where the step from a frame to the one `apart` behind it is the smallest.
fn quietest(block: &[Frame], apart: usize) -> Option<usize> {
    let step = |at: &usize| {
        let (Some(one), Some(other)) = (block.get(*at), block.get(at + apart)) else {
            return u32::MAX;
        };
        one.iter().zip(other).map(|(one, other)| u32::from(one.abs_diff(*other))).sum()
    };
    let places = 0..block.len().checked_sub(apart)?;
    // None is smaller than none at all, which silence has everywhere.
    places.clone().take(SILENT_START).find(|at| step(at) == 0).or_else(|| places.min_by_key(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_cut_and_stretched_where_it_is_flattest() {
        let wave: Vec<Frame> = [0, 50, 90, 99, 100, 98, 80, 40].map(|n| [n, 0]).to_vec();
        let mut shorter = wave.clone();
        leave_one_out(&mut shorter);
        assert_eq!(shorter, [0, 50, 90, 99, 98, 80, 40].map(|n| [n, 0]));
        let mut longer = wave;
        double_one(&mut longer);
        assert_eq!(longer, [0, 50, 90, 99, 99, 100, 98, 80, 40].map(|n| [n, 0]));
    }

    #[test]
    fn what_cannot_be_cut_stays() {
        for block in [vec![], vec![[1, 1]]] {
            let (mut shorter, mut longer) = (block.clone(), block.clone());
            leave_one_out(&mut shorter);
            double_one(&mut longer);
            assert_eq!((&shorter, &longer), (&block, &block));
        }
    }

    #[test]
    fn one_group_more_or_less_is_no_drift() {
        let mut drift = Drift::new(8820);
        for _ in 0..2000 {
            assert_eq!(drift.slip(8820 - 2300), 0);
            assert_eq!(drift.slip(8820 + 2300), 0);
        }
    }
}
