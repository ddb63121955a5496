//! The world: time, and everything that outlives the program.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    day::Day,
    dice::Dice,
    drive::Drive,
    life::{Life, Outside},
    model::Model,
    plan::Plan,
    playing::Playing,
    shelf::Shelf,
    witness::Witness,
};
use crate::keeper::Position;

/// What a run consisted of.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) frames: u64,
    pub(super) silent: u64,
    pub(super) songs_played: u64,
    pub(super) commands: u64,
    pub(super) edits: u64,
    pub(super) losses: u64,
    pub(super) kills: u64,
    pub(super) stalls: u64,
    pub(super) refusals: u64,
    /// How far from where it was the farthest resume began.
    pub(super) resume: Duration,
    /// How far from what was reported the farthest frame left, on the pacer's clock.
    pub(super) unreported: Duration,
}

/// A run.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) dice: Dice,
    pub(super) now: Instant,
    pub(super) start: Instant,
    pub(super) shelf: Arc<Shelf>,
    pub(super) drive: Drive,
    pub(super) model: Model,
    pub(super) witness: Witness,
    pub(super) life: Life,
    pub(super) tally: Tally,
    pub(super) path: PathBuf,
    folder: tempfile::TempDir,
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let now = Instant::now();
        let shelf = Arc::new(Shelf::new(&mut dice, plan.bad_percent, plan.points_back));
        let drive = Drive::new(Arc::clone(&shelf), now);
        let rules = (plan.on_loss, plan.after_reconnect, plan.mixed);
        let mut witness = Witness::new(Arc::clone(&shelf), rules, now);
        let mut model = Model::default();
        let folder = folder();
        let path = folder.path().join("0.db");
        let (drive_ref, dice_of_life) = (&drive, Dice::new(dice.roll()));
        let mut outside = Outside { drive: drive_ref, model: &mut model, witness: &mut witness };
        let scanned = Some(shelf.scanned());
        let life = Life::start(&plan, &path, dice_of_life, now, scanned, &mut outside);
        let tally = Tally::default();
        let start = now;
        Self { plan, dice, now, start, shelf, drive, model, witness, life, tally, path, folder }
    }

    /// Lets a time pass, with all that may happen in it.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut day = Day::new(self);
        while self.now < end {
            let due = self.life.due(self.now);
            let due = self.drive.due().into_iter().chain([due, day.due(), end]).min();
            self.now = due.unwrap_or(end).max(self.now);
            self.drive.pump(self.now);
            day.turn(self);
            self.turn();
        }
        self.sum_up();
    }

    fn turn(&mut self) {
        let (witness, model) = (&mut self.witness, &mut self.model);
        let mut outside = Outside { drive: &self.drive, model, witness };
        self.life.turn(&self.plan, self.now, &mut outside);
    }

    /// The process is killed, and started again.
    pub(super) fn kill(&mut self) {
        self.sum_up();
        self.tally.kills += 1;
        let was = (self.witness.playing, self.life.is_settled(), self.life.stored_wanted);
        let reported = self.witness.position();
        // What a kill leaves: the files as they are. The lock dies with the process.
        let path = self.folder.path().join(format!("{}.db", self.tally.kills));
        for tail in ["", "-wal"] {
            let name = |path: &Path| PathBuf::from(format!("{}{tail}", path.display()));
            if name(&self.path).exists() {
                std::fs::copy(name(&self.path), name(&path)).unwrap();
            }
        }
        self.drive.close_all();
        let dice = Dice::new(self.dice.roll());
        let (witness, model) = (&mut self.witness, &mut self.model);
        let mut outside = Outside { drive: &self.drive, model, witness };
        self.life = Life::start(&self.plan, &path, dice, self.now, None, &mut outside);
        for tail in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{tail}", self.path.display()));
        }
        self.path = path;
        let (playing, settled, wanted) = was;
        if settled {
            assert_eq!(self.life.stored_wanted, wanted, "what was wanted before the kill");
            self.compare_place(playing, reported);
        }
    }

    /// The song goes on where it was reported to be, to the frame: all that was reported is on disk.
    /// How far that is from what has left is bounded in every turn of the station.
    fn compare_place(&mut self, was: Option<Playing>, told: Option<Position>) {
        let (Some(was), Some(is)) = (was, self.witness.playing) else { return };
        assert_eq!(was.entry, is.entry, "another song after the kill");
        let Some(told) = told else {
            // Begun anew, and not a frame of it has left.
            assert_eq!(was.next, was.from, "what left was never reported");
            return assert!(is.next <= was.next || was.next == 0, "{was:?} became {is:?}");
        };
        assert_eq!((is.entry, is.next), (told.entry_id, told.frame), "where it was: {was:?}");
        let frame = self.shelf.piece(was.song).frame_time();
        let away = frame.times(was.next - is.next).as_duration();
        self.tally.resume = self.tally.resume.max(away);
    }

    /// What the simulation itself keeps: files that are open, and bytes of the stream.
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.drive.open_files(), self.life.record.kept())
    }

    /// Adds up what this life has seen; it counts once.
    fn sum_up(&mut self) {
        self.life.compare_history(&self.model);
        self.tally.frames = self.witness.sounded + self.witness.silent;
        self.tally.silent = self.witness.silent;
        self.tally.songs_played = self.model.history.len() as u64;
        self.tally.stalls += std::mem::take(&mut self.life.metronome.stalls);
        self.tally.unreported = self.tally.unreported.max(self.life.farthest);
        if let Some(icecast) = &mut self.life.icecast {
            self.tally.losses += std::mem::take(&mut icecast.losses);
        }
    }
}

/// In memory where the system has such a folder: a day commits 86,400 times.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return folder;
    }
    tempfile::tempdir().unwrap()
}
