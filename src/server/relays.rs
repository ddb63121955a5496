//! The relays: other servers with the same mounts, to which listeners are sent while this one is full.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::net::percent::encode_path;

/// Their base addresses, in turn.
#[derive(Debug, Default)]
pub(super) struct Relays {
    bases: Vec<String>,
    next: AtomicUsize,
}

impl Relays {
    pub(super) fn of(bases: &[String]) -> Self {
        let bases = bases.iter().map(|base| base.trim_end_matches('/').to_owned()).collect();
        Self { bases, next: AtomicUsize::new(0) }
    }

    /// Where the next listener of `path` goes; nothing where there is no relay.
    pub(super) fn next(&self, path: &[u8]) -> Option<String> {
        let turn = self.next.fetch_add(1, Relaxed).checked_rem(self.bases.len())?;
        let base = self.bases.get(turn)?;
        Some(format!("{base}{}", encode_path(&String::from_utf8_lossy(path))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_take_turns_and_get_the_path() {
        let relays = Relays::of(&["http://a:8000/".into(), "https://b/radio".into()]);
        let got: Vec<_> = (0..3).map(|_| relays.next(b"/live show").unwrap()).collect();
        let (a, b) = ("http://a:8000/live%20show", "https://b/radio/live%20show");
        assert_eq!(got, [a, b, a]);
        assert_eq!(Relays::default().next(b"/x"), None);
    }
}
