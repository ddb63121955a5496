//! Noise: sound of which no piece is like another, the same in every run.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::monitor::pcm::Frame;

/// So many frames, none of them silent.
pub(super) fn noise(seed: u64, len: usize) -> Vec<Frame> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..len).map(|_| [rng.random_range(1..=i16::MAX), rng.random()]).collect()
}

/// The noise in what was heard: everything up to the last frame that is not silent.
pub(super) fn sounding(heard: &[Frame]) -> &[Frame] {
    let end = heard.iter().rposition(|frame| *frame != [0, 0]).map_or(0, |last| last + 1);
    &heard[..end]
}
