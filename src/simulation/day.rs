//! The day: what people, peers, disks and power do to the station, by chance.

use std::time::{Duration, Instant};

use super::{dice::Dice, model::rows, world::World};
use crate::{
    command::Command,
    db::Database,
    ids::{EntryId, SongId},
    keeper::{QueuePosition, Wish},
    library::Batch,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// Songs that a vanished folder held.
const FOLDER: usize = 5;
/// The longest queue that people make.
const LONG_QUEUE: usize = 40;

/// Something that happens now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    PlayPause,
    Next,
    Edit,
    IcecastDies,
    IcecastIsSlow,
    DiskSticks,
    DatabaseRefuses,
    FolderGoesOrComes,
    ClockJumps,
    Kill,
}

/// Each with the mean time between two of them: minutes.
const KINDS: [(Kind, u32); 10] = [
    (Kind::PlayPause, 14),
    (Kind::Next, 11),
    (Kind::Edit, 5),
    (Kind::IcecastDies, 80),
    (Kind::IcecastIsSlow, 50),
    (Kind::DiskSticks, 110),
    (Kind::DatabaseRefuses, 200),
    (Kind::FolderGoesOrComes, 150),
    (Kind::ClockJumps, 200),
    (Kind::Kill, 170),
];

/// When each happens next, and what has to end.
pub(super) struct Day {
    dues: Vec<(Kind, Instant)>,
    /// Another program holds the database's lock until then; dropping it lets go.
    lock: Option<(Instant, Box<dyn std::any::Any>)>,
    /// A paused station is played again then.
    play_at: Option<Instant>,
}

fn next(dice: &mut Dice, now: Instant, mean: u32) -> Instant {
    now + Duration::from_micros(dice.below(u64::from(mean) * 2 * 60_000_000))
}

impl Day {
    pub(super) fn new(world: &mut World) -> Self {
        let now = world.now;
        let due = |&(kind, mean): &(Kind, u32)| (kind, next(&mut world.dice, now, mean));
        Self { dues: KINDS.iter().map(due).collect(), lock: None, play_at: None }
    }

    pub(super) fn due(&self) -> Instant {
        let lock = self.lock.as_ref().map(|lock| lock.0);
        let dues = self.dues.iter().map(|due| due.1);
        dues.chain(lock).chain(self.play_at).min().unwrap()
    }

    /// Everything that is due happens.
    pub(super) fn turn(&mut self, world: &mut World) {
        let now = world.now;
        self.lock.take_if(|lock| now >= lock.0);
        if self.play_at.take_if(|at| now >= *at).is_some() {
            self.command(world, Command::Play(true));
        }
        for (index, &(_, mean)) in KINDS.iter().enumerate() {
            let (kind, due) = self.dues[index];
            if now >= due {
                self.dues[index].1 = next(&mut world.dice, now, mean);
                self.happen(kind, world);
            }
        }
    }

    fn happen(&mut self, kind: Kind, world: &mut World) {
        let now = world.now;
        match kind {
            Kind::PlayPause => self.play_or_pause(world),
            Kind::Next => {
                let times = if world.dice.percent(20) { 1 + world.dice.below(6) } else { 1 };
                for _ in 0..times {
                    self.command(world, Command::PlayNextSong);
                }
            }
            Kind::Edit => {
                let times = if world.dice.percent(10) { 10 } else { 1 };
                for _ in 0..times {
                    edit(world);
                }
            }
            Kind::IcecastDies => {
                let away = world.dice.between(Duration::from_millis(10), 20 * MINUTE);
                if let Some(icecast) = &mut world.life.icecast {
                    icecast.die(now, now + away);
                }
            }
            Kind::IcecastIsSlow => {
                let spell = world.dice.between(SECOND, 2 * MINUTE);
                let rate = world.dice.below(3000) * u64::from(world.dice.percent(70) as u8);
                if let Some(icecast) = &mut world.life.icecast {
                    icecast.slow_down(now + spell, rate);
                }
            }
            Kind::DiskSticks => {
                let spell = world.dice.between(Duration::from_millis(100), MINUTE);
                world.drive.stick(now + spell);
            }
            Kind::DatabaseRefuses if self.lock.is_none() => {
                let spell = world.dice.between(Duration::from_millis(50), 20 * MINUTE);
                let other = Database::open(&world.path).unwrap().writer().unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                self.lock = Some((now + spell, Box::new(other)));
                world.tally.refusals += 1;
            }
            Kind::FolderGoesOrComes => scan(world),
            Kind::ClockJumps if world.plan.clock_jumps => {
                world.life.jump();
                world.now += world.dice.between(Duration::from_millis(200), 30 * MINUTE);
                world.drive.pump(world.now);
            }
            Kind::Kill if world.plan.kills => {
                self.lock = None;
                world.kill();
            }
            Kind::DatabaseRefuses | Kind::ClockJumps | Kind::Kill => {}
        }
    }

    fn play_or_pause(&mut self, world: &mut World) {
        let play = world.dice.percent(50);
        if !play {
            // Nobody leaves a radio silent for long.
            let pause = world.dice.between(Duration::from_millis(5), 10 * MINUTE);
            self.play_at = Some(world.now + pause);
        }
        self.command(world, Command::Play(play));
    }

    fn command(&mut self, world: &mut World, command: Command) {
        world.tally.commands += 1;
        world.life.give(command, world.now);
        // After `after_reconnect = "pause"` somebody plays it again, sooner or later.
        if self.play_at.is_none() {
            self.play_at = Some(world.now + 15 * MINUTE);
        }
    }
}

/// Somebody edits the queue.
fn edit(world: &mut World) {
    let dice = &mut world.dice;
    let queue = &world.model.rows;
    let any = |dice: &mut Dice| {
        // Now and then one that is not there.
        let index = dice.index(queue.len() + 1);
        queue.get(index).map_or(EntryId(1), |row| row.0)
    };
    let place = match dice.below(3) {
        0 => QueuePosition::Next,
        1 => QueuePosition::Last,
        _ => QueuePosition::After(any(dice)),
    };
    let wish = match dice.below(20) {
        _ if queue.len() > LONG_QUEUE => Wish::Clear,
        0..7 => Wish::Add { song: world.shelf.any(dice), place },
        7..10 => Wish::AddRandom { place },
        10..14 => Wish::Remove(any(dice)),
        14..19 => Wish::Move { entry: any(dice), after: any(dice) },
        _ => Wish::Clear,
    };
    world.tally.edits += 1;
    let life = &mut world.life;
    // What was reported before it comes first, and is checked alone.
    life.keeper.catch_up();
    life.sync(world.now, &mut world.model);
    let done = life.keeper.edit(wish);
    if !life.keeper_refuses(&done) {
        world.model.edit(wish, &done);
    }
    world.model.compare(rows(&life.keeper.entries()));
    life.check(world.now);
}

/// A folder vanishes, or is there again, and a scan tells of it.
fn scan(world: &mut World) {
    let back = world.drive.give_back();
    let gone: Vec<SongId> = if back.is_empty() {
        (0..FOLDER).map(|_| world.shelf.any(&mut world.dice)).collect()
    } else {
        Vec::new()
    };
    world.drive.take_away(&gone);
    let life = &mut world.life;
    life.keeper.catch_up();
    life.sync(world.now, &mut world.model);
    let batch = Batch { returned: back, vanished: gone, ..Batch::default() };
    let written = life.keeper.write(batch).is_ok();
    let on_disk = rows(&life.keeper.entries());
    if written {
        world.model.leave_out_echo(&on_disk);
    }
    world.model.compare(on_disk);
    life.check(world.now);
}
