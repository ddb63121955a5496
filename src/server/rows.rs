//! Rows: a slab that grows by blocks, so that much of it is never unused or copied; no lock.
//!
//! One slab for all would have to be copied to grow, and the holes that it leaves in the heap are as
//! large as itself: with 10,000 listeners that was a third of the memory they took.

use slab::Slab;

/// Values in one block.
const BLOCK: usize = 256;

/// Values by the keys that they got.
#[derive(Debug)]
pub(super) struct Rows<T> {
    blocks: Vec<Slab<T>>,
    len: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), len: 0 }
    }
}

impl<T> Rows<T> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// There is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The key that the next value gets: the lowest block that has room is filled first.
    pub(super) fn next_key(&self) -> usize {
        let with_room = self.blocks.iter().enumerate().find(|(_, block)| block.len() < BLOCK);
        with_room.map_or(self.blocks.len() * BLOCK, |(at, block)| at * BLOCK + block.vacant_key())
    }

    /// Adds a value under [`next_key`](Self::next_key).
    pub(super) fn insert(&mut self, value: T) -> usize {
        let key = self.next_key();
        if key / BLOCK == self.blocks.len() {
            self.blocks.push(Slab::with_capacity(BLOCK));
        }
        if let Some(block) = self.blocks.get_mut(key / BLOCK) {
            block.insert(value);
            self.len += 1;
        }
        key
    }

    pub(super) fn get(&self, key: usize) -> Option<&T> {
        self.blocks.get(key / BLOCK)?.get(key % BLOCK)
    }

    pub(super) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.blocks.get_mut(key / BLOCK)?.get_mut(key % BLOCK)
    }

    /// Takes a value out. Blocks at the end that have none left are given back.
    pub(super) fn remove(&mut self, key: usize) -> Option<T> {
        let value = self.blocks.get_mut(key / BLOCK)?.try_remove(key % BLOCK)?;
        self.len -= 1;
        while self.blocks.pop_if(|block| block.is_empty()).is_some() {}
        Some(value)
    }

    /// All, by their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let blocks = self.blocks.iter().enumerate();
        blocks
            .flat_map(|(at, block)| block.iter().map(move |(key, value)| (at * BLOCK + key, value)))
    }

    /// All, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.blocks.iter_mut().flat_map(|block| block.iter_mut().map(|(_, value)| value))
    }

    /// Takes everything out.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> {
        self.len = 0;
        std::mem::take(&mut self.blocks).into_iter().flatten().map(|(_, value)| value)
    }
}

#[cfg(test)]
impl<T> Rows<T> {
    /// How many there is memory for.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.iter().map(Slab::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_would(steps in prop::collection::vec((0_u8..3, 0_usize..1500), 0..3000)) {
            let (mut rows, mut model) = (Rows::default(), BTreeMap::new());
            for (number, (step, key)) in steps.into_iter().enumerate() {
                if step == 0 {
                    prop_assert_eq!(rows.remove(key), model.remove(&key));
                } else {
                    let next = rows.next_key();
                    prop_assert_eq!(rows.insert(number), next);
                    prop_assert_eq!(model.insert(next, number), None);
                }
                prop_assert_eq!((rows.len(), rows.is_empty()), (model.len(), model.is_empty()));
            }
            prop_assert!(rows.iter().eq(model.iter().map(|(key, value)| (*key, value))));
            prop_assert!(rows.values_mut().map(|value| *value).eq(model.values().copied()));
            for key in 0..1600 {
                prop_assert_eq!(rows.get(key), model.get(&key));
                prop_assert_eq!(rows.get_mut(key).map(|value| *value), model.get(&key).copied());
            }
            prop_assert!(rows.take_all().eq(model.into_values()));
            prop_assert!(rows.is_empty() && rows.iter().next().is_none());
        }
    }

    #[test]
    fn the_memory_of_a_crowd_is_given_back_when_it_has_left() {
        let mut rows = Rows::default();
        let keys: Vec<_> = (0..10 * BLOCK).map(|n| rows.insert(n)).collect();
        assert_eq!(rows.blocks.len(), 10);
        for key in keys.into_iter().skip(BLOCK) {
            rows.remove(key);
        }
        assert_eq!((rows.len(), rows.blocks.len()), (BLOCK, 1));
        assert_eq!(rows.capacity(), BLOCK);
    }
}
