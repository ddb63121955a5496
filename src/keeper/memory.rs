//! Entries that the station was told of lately: what it plays may be removed while it begins to.

use std::collections::VecDeque;

use crate::{ids::EntryId, song::Entry};

/// How many are remembered: far more than the station can be behind.
const REMEMBERED: usize = 64;

/// The newest entries that snapshots held, the newest last.
#[derive(Debug, Default)]
pub(super) struct Memory(VecDeque<Entry>);

impl Memory {
    pub(super) fn remember(&mut self, entry: &Entry) {
        self.0.retain(|known| known.entry_id != entry.entry_id);
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(entry.clone());
    }

    pub(super) fn recall(&self, id: EntryId) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.entry_id == id)
    }
}
