//! Which entry of the queue is meant: a number of the list, an id, or a unique beginning of one.

use anyhow::{Result, bail};

use super::wire::Queue;
use crate::ids::EntryId;

/// Digits of an id that are shown where fewer would do.
const SHOWN_DIGITS: usize = 6;

/// The entry that a text stands for.
pub(super) fn resolve(text: &str, queue: &Queue) -> Result<EntryId> {
    let ids = || queue.entries.iter().map(|entry| entry.entry_id);
    if let Some(id) = ids().find(|id| id.to_string() == text) {
        return Ok(id);
    }
    let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    if let Some(entry) = number.and_then(|index| queue.entries.get(index)) {
        return Ok(entry.entry_id);
    }
    let begins = |id: &EntryId| !text.is_empty() && id.to_string().starts_with(text);
    let mut matching = ids().filter(begins);
    match (matching.next(), matching.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => {
            bail!("several entries of the queue begin with {text}; give more digits")
        }
        (None, _) => {
            bail!("the queue has no entry {text}; see `musicdb-stream queue` for numbers and ids")
        }
    }
}

/// The ids of a queue, each cut to what tells it from the others.
pub(super) fn shortened(queue: &Queue) -> Vec<String> {
    let ids: Vec<String> = queue.entries.iter().map(|entry| entry.entry_id.to_string()).collect();
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    // In sorted order only neighbours share the longest beginnings.
    let shared = sorted.windows(2).map(|pair| match pair {
        [a, b] => a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count(),
        _ => 0,
    });
    let digits = shared.max().map_or(SHOWN_DIGITS, |shared| SHOWN_DIGITS.max(shared + 1));
    ids.iter().map(|id| id.chars().take(digits).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::wire::Entry;

    fn queue(ids: &[u128]) -> Queue {
        let entry = |id: &u128| Entry { entry_id: EntryId(*id), is_random: false, song: None };
        Queue { revision: 1, entries: ids.iter().map(entry).collect() }
    }

    #[test]
    fn an_entry_is_a_number_an_id_or_a_unique_beginning() {
        let queue = queue(&[3_729_001, 3_729_002, 88_000_111]);
        assert_eq!(resolve("1", &queue).unwrap(), EntryId(3_729_001));
        assert_eq!(resolve("3", &queue).unwrap(), EntryId(88_000_111));
        assert_eq!(resolve("3729002", &queue).unwrap(), EntryId(3_729_002));
        assert_eq!(resolve("88", &queue).unwrap(), EntryId(88_000_111));
        assert!(resolve("37", &queue).unwrap_err().to_string().contains("several"));
        for unknown in ["0", "4", "", "x", "99"] {
            assert!(
                resolve(unknown, &queue).unwrap_err().to_string().contains("no entry"),
                "{unknown}"
            );
        }
    }

    #[test]
    fn what_is_shown_of_an_id_tells_it_from_the_others() {
        assert_eq!(
            shortened(&queue(&[3_729_001, 3_729_002, 88_000_111])),
            ["3729001", "3729002", "8800011"]
        );
        assert_eq!(shortened(&queue(&[123_456_789, 987_654_321])), ["123456", "987654"]);
        assert!(shortened(&queue(&[])).is_empty());
    }
}
