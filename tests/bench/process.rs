//! Processes under measurement: on which core they run, what they spent and what they hold, from /proc.

use std::{fmt, fs};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// A process that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// CPU seconds so far, user and system, of all its threads.
    pub(crate) fn cpu(self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = [11, 12].map(|field| fields[field].parse::<f64>().unwrap());
        ticks.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64
    }

    /// Bytes of memory that it holds.
    pub(crate) fn resident(self) -> f64 {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.0)).unwrap();
        let pages: f64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as f64
    }
}

/// One core for the server that is measured, and another for the driver.
#[derive(Debug)]
pub(crate) struct Cores {
    driver: usize,
    server: usize,
}

impl Cores {
    /// The first two that this process may use; one for both where there is no second.
    pub(crate) fn choose() -> Self {
        let all = sched_getaffinity(None).unwrap();
        let mut usable = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
        let driver = usable.next().unwrap();
        let cores = Self { driver, server: usable.next().unwrap_or(driver) };
        run_on(driver);
        cores
    }

    /// Starts what is to be measured: the children and threads that `start` makes stay on its core.
    pub(crate) fn on_server_core<T>(&self, start: impl FnOnce() -> T) -> T {
        run_on(self.server);
        let started = start();
        run_on(self.driver);
        started
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { driver, server } = self;
        if driver == server {
            return write!(f, "Server and driver share core {server}: there is no second one.");
        }
        write!(f, "Server on core {server} alone, driver on core {driver}.")
    }
}

/// This thread, and whatever it starts from now on, runs on this core alone.
fn run_on(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).unwrap();
}

/// As many open files as the system allows this process and its children.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
