//! Names: texts of which thousands of listeners share a few, each kept once and told by number.

use std::{collections::HashMap, sync::Arc};

use slab::Slab;

/// All texts that somebody holds.
#[derive(Debug, Default)]
pub(super) struct Names {
    texts: Slab<(Arc<str>, u32)>,
    numbers: HashMap<Arc<str>, Name>,
}

/// The number of a text; whoever was given it gives it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(u32);

impl Names {
    /// The number of `text`, which counts for one more until it is forgotten.
    pub(super) fn share(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text).copied() {
            if let Some((_, holders)) = self.texts.get_mut(name.0 as usize) {
                *holders += 1;
            }
            return name;
        }
        let text: Arc<str> = Arc::from(text);
        // There are never more texts than a few for each listener.
        let name =
            Name(u32::try_from(self.texts.insert((Arc::clone(&text), 1))).unwrap_or(u32::MAX));
        self.numbers.insert(text, name);
        name
    }

    /// The text; empty where it was forgotten.
    pub(super) fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| &text.0)
    }

    /// One who shared it has left.
    pub(super) fn forget(&mut self, name: Name) {
        let Some((text, holders)) = self.texts.get_mut(name.0 as usize) else { return };
        *holders -= 1;
        if *holders == 0 {
            self.numbers.remove(text);
            self.texts.remove(name.0 as usize);
        }
    }
}

#[cfg(test)]
impl Names {
    /// How many texts are kept.
    pub(super) fn len(&self) -> usize {
        self.texts.len().max(self.numbers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_for_as_long_as_it_is_held() {
        let mut names = Names::default();
        let (first, second) = (names.share("player"), names.share("player"));
        assert_eq!((first, names.text(first)), (second, "player"));
        assert_ne!(names.share("other"), first);
        names.forget(first);
        assert_eq!(names.text(second), "player");
        names.forget(second);
        assert_eq!((names.texts.len(), names.numbers.len()), (1, 1));
    }
}
