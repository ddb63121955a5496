//! keeper stub.
#![allow(missing_docs)]
use crate::{ids::EntryId, song::Entry};
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub revision: u64,
    pub advances: u64,
    pub current: Option<Entry>,
    pub next: Option<Entry>,
    pub length: usize,
    pub wanted: Option<bool>,
    pub position: Option<Position>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub entry_id: EntryId,
    pub frame: u64,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    pub from: EntryId,
    pub to: Option<EntryId>,
    pub outcome: Outcome,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Played,
    Skipped,
    Unplayable(String),
}
#[derive(Debug, Clone)]
pub struct SongQueue;
#[derive(Debug, Clone)]
pub struct KeeperHandle;
impl KeeperHandle {
    pub fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        todo!()
    }
    pub fn bell(&self) -> crossbeam_channel::Receiver<()> {
        todo!()
    }
    pub fn advanced(&self, _: Advanced) {}
    pub fn position(&self, _: Position) {}
    pub fn wanted(&self, _: bool) {}
}
