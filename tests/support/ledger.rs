//! A ledger of the queue: what must stand in it, by the answers that were received.

use rand::{RngExt, rngs::SmallRng};
use serde_json::Value;

/// Entries that the keeper refills the queue to.
const AT_LEAST: usize = 2;
/// From so many entries on none is added.
const ENOUGH: usize = 12;

/// One entry of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Nothing where the answer that would have told it never came.
    pub id: Option<String>,
    pub song: i64,
    pub is_random: bool,
}

/// An edit or a command, as a person would give it. Entries are meant by their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Add { song: i64, after: Option<usize> },
    Remove(usize),
    Move { from: usize, after: usize },
    Clear,
    Next,
    Play(bool),
}

/// The queue as it was told last, with every answered edit, within one run of the program.
#[derive(Debug, Clone)]
pub struct Ledger {
    lines: Vec<Line>,
    revision: u64,
    pub wanted: bool,
    /// Skips that were answered.
    pub skips: usize,
    /// Entries that have left at the front; nothing where more left than were ever told of.
    pub gone: Option<usize>,
    /// What was asked for and not answered.
    pub in_flight: Option<Edit>,
    /// Commands that were accepted (202) and need not be on disk yet.
    pub accepted: Vec<Edit>,
}

impl Ledger {
    /// A ledger that begins with this queue.
    pub fn new(queue: &Value, wanted: bool) -> Self {
        let (lines, revision) = read(queue);
        Self {
            lines,
            revision,
            wanted,
            skips: 0,
            gone: Some(0),
            in_flight: None,
            accepted: Vec::new(),
        }
    }

    /// The ids of the entries that are known.
    pub fn ids(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.id.as_deref()).collect()
    }

    /// An edit that the queue as it is known allows, with a song that is not in it.
    pub fn choose(&self, songs: &[i64], rng: &mut SmallRng) -> Edit {
        let length = self.lines.len();
        let place = |rng: &mut SmallRng| rng.random_range(1..length);
        match rng.random_range(0..30) {
            0 => Edit::Next,
            1..9 => Edit::Play(rng.random_bool(0.8)),
            9..14 if length > AT_LEAST => Edit::Remove(place(rng)),
            14..19 if length > AT_LEAST => {
                let from = place(rng);
                let after = (from + rng.random_range(1..length)) % length;
                Edit::Move { from, after }
            }
            19 if length > 6 => Edit::Clear,
            _ if length >= ENOUGH => Edit::Remove(place(rng)),
            _ => {
                let free = |song: &&i64| self.lines.iter().all(|line| line.song != **song);
                let songs: Vec<&i64> = songs.iter().filter(free).collect();
                let after = rng.random_bool(0.6).then(|| rng.random_range(0..length));
                Edit::Add { song: *songs[rng.random_range(0..songs.len())], after }
            }
        }
    }

    /// Method, path, more lines of the head, and body of the request that means this edit. Edits of
    /// the queue are for the revision that is known, so that they are carried out on this queue.
    pub fn request(&self, edit: Edit) -> (&'static str, String, String, String) {
        let id = |place: usize| self.lines[place].id.clone().unwrap();
        let known = format!("If-Match: {}\r\n", self.revision);
        let queue = "/api/v1/queue".to_owned();
        match edit {
            Edit::Add { song, after } => {
                let position =
                    after.map_or("\"last\"".into(), |at| format!("{{\"after\":\"{}\"}}", id(at)));
                let body = format!("{{\"song_id\":{song},\"position\":{position}}}");
                ("POST", queue, known, body)
            }
            Edit::Remove(place) => ("DELETE", format!("{queue}/{}", id(place)), known, "".into()),
            Edit::Move { from, after } => {
                let body = format!("{{\"after\":\"{}\"}}", id(after));
                ("POST", format!("{queue}/{}/move", id(from)), known, body)
            }
            Edit::Clear => ("DELETE", queue, known, "".into()),
            Edit::Next => ("POST", "/api/v1/next".into(), "".into(), "".into()),
            Edit::Play(play) => {
                ("POST", "/api/v1/play".into(), "".into(), format!("{{\"play\":{play}}}"))
            }
        }
    }

    /// What was in flight has this answer.
    pub fn answered(&mut self, status: u16, answer: &Value) {
        let edit = self.in_flight.take().unwrap();
        match (edit, status) {
            (Edit::Next | Edit::Play(_), 202) => self.accepted.push(edit),
            // What was accepted before it is on disk with it.
            (Edit::Next | Edit::Play(_), 200) => {
                self.accepted.push(edit);
                for edit in std::mem::take(&mut self.accepted) {
                    match edit {
                        Edit::Play(play) => self.wanted = play,
                        _ => self.skips += 1,
                    }
                }
            }
            // A song has ended meanwhile.
            (_, 412) => self.reconcile(answer),
            (_, 200 | 201) => {
                let id = answer["entry_id"].as_str().map(str::to_owned);
                self.lines = edited(&self.lines, edit, id);
                self.revision = answer["revision"].as_u64().unwrap();
            }
            _ => panic!("{edit:?} on {self:?} was answered {status}: {answer}"),
        }
    }

    /// Holds the queue as it is told now against what must be in it, and goes on from there. An
    /// edit that was not answered may be in it or not, but whole.
    pub fn reconcile(&mut self, queue: &Value) {
        let (told, revision) = read(queue);
        for (place, line) in told.iter().enumerate() {
            assert!(!told[..place].iter().any(|other| other.id == line.id), "doubled: {queue}");
        }
        let with = self.in_flight.map(|edit| edited(&self.lines, edit, None));
        let gone = gone(&self.lines, &told).or_else(|| gone(&with?, &told));
        let gone = gone.unwrap_or_else(|| panic!("{self:#?} does not lead to {told:#?}"));
        let all = gone == self.lines.len();
        self.gone = self.gone.filter(|_| !all).map(|before| before + gone);
        (self.lines, self.revision) = (told, revision);
    }
}

fn read(queue: &Value) -> (Vec<Line>, u64) {
    let entries = queue["entries"].as_array().unwrap_or_else(|| panic!("no queue: {queue}"));
    let line = |entry: &Value| Line {
        id: entry["entry_id"].as_str().map(str::to_owned),
        song: entry["song"]["id"].as_i64().unwrap(),
        is_random: entry["is_random"].as_bool().unwrap(),
    };
    (entries.iter().map(line).collect(), queue["revision"].as_u64().unwrap())
}

/// The lines with the edit done.
fn edited(lines: &[Line], edit: Edit, id: Option<String>) -> Vec<Line> {
    let mut lines = lines.to_vec();
    match edit {
        Edit::Add { song, after } => {
            let place = after.map_or(lines.len(), |after| after + 1);
            lines.insert(place, Line { id, song, is_random: false });
        }
        Edit::Remove(place) => drop(lines.remove(place)),
        Edit::Move { from, after } => {
            let line = lines.remove(from);
            lines.insert(after + usize::from(after < from), line);
        }
        Edit::Clear => lines.truncate(1),
        Edit::Next | Edit::Play(_) => {}
    }
    lines
}

/// How many lines have left at the front for `told` to be what remains, refilled at random up to
/// [`AT_LEAST`]; nothing where it is not.
fn gone(lines: &[Line], told: &[Line]) -> Option<usize> {
    (0..=lines.len()).find(|gone| {
        let rest = &lines[*gone..];
        let Some((same, more)) = told.split_at_checked(rest.len()) else { return false };
        let alike = |(line, told): (&Line, &Line)| match &line.id {
            Some(_) => line == told,
            None => line.song == told.song && !told.is_random,
        };
        let refilled = more.is_empty() || told.len() == AT_LEAST;
        rest.iter().zip(same).all(alike) && refilled && more.iter().all(|line| line.is_random)
    })
}
