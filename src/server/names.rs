//! Names: what thousands of listeners have in common, each kept once and told by number.

use std::{collections::HashMap, hash::Hash};

use slab::Slab;

/// All values that somebody holds. A clone of one is to be cheap: an `Arc`, or a few bytes.
#[derive(Debug)]
pub(super) struct Names<T> {
    values: Slab<(T, u32)>,
    numbers: HashMap<T, Name>,
}

/// The number of a value; whoever was given it gives it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u32);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { values: Slab::new(), numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash + Clone> Names<T> {
    /// The number of `value`, which counts for one more until it is forgotten.
    pub(super) fn share(&mut self, value: T) -> Name {
        if let Some(name) = self.numbers.get(&value).copied() {
            if let Some((_, holders)) = self.values.get_mut(name.0 as usize) {
                *holders += 1;
            }
            return name;
        }
        // There are never more of them than listeners.
        let name = self.values.insert((value.clone(), 1));
        let name = Name(u32::try_from(name).unwrap_or(u32::MAX));
        self.numbers.insert(value, name);
        name
    }

    /// The value; nothing where it was forgotten.
    pub(super) fn value(&self, name: Name) -> Option<&T> {
        self.values.get(name.0 as usize).map(|value| &value.0)
    }

    /// How many share `value`.
    pub(super) fn holders(&self, value: &T) -> usize {
        let name = self.numbers.get(value);
        let held = name.and_then(|name| self.values.get(name.0 as usize));
        held.map_or(0, |(_, holders)| *holders as usize)
    }

    /// One who shared it has left.
    pub(super) fn forget(&mut self, name: Name) {
        let Some((value, holders)) = self.values.get_mut(name.0 as usize) else { return };
        *holders -= 1;
        if *holders == 0 {
            self.numbers.remove(value);
            self.values.remove(name.0 as usize);
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len().max(self.numbers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_once_and_for_as_long_as_it_is_held() {
        let mut names = Names::default();
        let (first, second) = (names.share("player"), names.share("player"));
        assert_eq!((first, names.value(first)), (second, Some(&"player")));
        assert_ne!(names.share("other"), first);
        assert_eq!((names.holders(&"player"), names.holders(&"nobody")), (2, 0));
        names.forget(first);
        assert_eq!((names.value(second), names.holders(&"player")), (Some(&"player"), 1));
        names.forget(second);
        assert_eq!((names.value(second), names.holders(&"player")), (None, 0));
        assert_eq!(names.len(), 1);
    }
}
