//! Entries that the station was told of lately: what it plays may be removed while it begins to.

use std::collections::VecDeque;

use crate::{ids::EntryId, song::Entry};

/// How many are remembered: far more than the station can be behind.
const REMEMBERED: usize = 64;

/// Entries that may stand in snapshots alone: as many as reports may wait for the disk.
const AIRBORNE: usize = 256;

/// The newest entries that snapshots held, the newest last.
#[derive(Debug, Default)]
pub(super) struct Memory {
    told: VecDeque<Entry>,
    /// Those that are in no table: the queue had run dry while the disk refused everything.
    airborne: VecDeque<Entry>,
}

impl Memory {
    pub(super) fn remember(&mut self, entry: &Entry) {
        self.told.retain(|known| known.entry_id != entry.entry_id);
        if self.told.len() == REMEMBERED {
            self.told.pop_front();
        }
        self.told.push_back(entry.clone());
    }

    pub(super) fn recall(&self, id: EntryId) -> Option<&Entry> {
        self.told.iter().find(|entry| entry.entry_id == id)
    }

    /// An entry was made up that no table holds.
    pub(super) fn take_off(&mut self, entry: Entry) {
        if self.airborne.len() == AIRBORNE {
            self.airborne.pop_front();
        }
        self.airborne.push_back(entry);
    }

    /// An entry that was made up and that no table holds.
    pub(super) fn airborne(&self, id: EntryId) -> Option<&Entry> {
        self.airborne.iter().find(|entry| entry.entry_id == id)
    }

    /// What became of it is on disk.
    pub(super) fn land(&mut self, id: EntryId) {
        self.airborne.retain(|entry| entry.entry_id != id);
    }
}
