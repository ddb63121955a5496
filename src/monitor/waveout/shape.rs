//! The shape of the queue: how many blocks, and how long one is.

use std::time::Duration;

use crate::monitor::pcm::RATE;

/// Blocks at least: while one plays, another has to be there.
const LEAST_BLOCKS: usize = 2;
/// Blocks at most; with [`MOST_FRAMES`] a queue is 64 s and 11 MB at most.
const MOST_BLOCKS: usize = 64;
/// Frames in a block at most: a second.
const MOST_FRAMES: usize = RATE as usize;

/// A queue of blocks of one length. What is heard was handed over as long ago as the queue is long;
/// whoever hands it over may be late by one block less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    blocks: usize,
    frames: usize,
}

impl Default for Shape {
    /// Four blocks of 50 ms: it bridges 150 ms, and costs 20 wakes in a second.
    fn default() -> Self {
        Self::new(4, 2_205)
    }
}

impl Shape {
    /// So many blocks, 2 to 64, of so many frames, 1 to 44,100; what lies outside is moved to the
    /// nearer end.
    #[must_use]
    pub fn new(blocks: usize, frames: usize) -> Self {
        Self {
            blocks: blocks.clamp(LEAST_BLOCKS, MOST_BLOCKS),
            frames: frames.clamp(1, MOST_FRAMES),
        }
    }

    /// Blocks in the queue.
    #[must_use]
    pub fn blocks(self) -> usize {
        self.blocks
    }

    /// Frames in a block.
    #[must_use]
    pub fn frames(self) -> usize {
        self.frames
    }

    /// Frames in the queue.
    #[must_use]
    pub fn queue(self) -> usize {
        self.blocks * self.frames
    }

    /// How long the queue plays.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.queue() as u64) / RATE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_two_blocks_and_no_block_is_empty() {
        assert_eq!(Shape::new(0, 0), Shape::new(2, 1));
        assert_eq!(Shape::new(usize::MAX, usize::MAX).queue(), 64 * 44_100);
        assert_eq!(Shape::default().duration(), Duration::from_millis(200));
    }
}
