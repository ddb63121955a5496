//! What the Icecast output costs in processor time, measured.

#![cfg(target_os = "linux")]

use std::{
    fs::{read_dir, read_to_string},
    io::{Write, copy, sink},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use crate::support::{
    air::{FRAME_LEN, OUTPUT_THREAD, OnAir, frames},
    fake_icecast::FakeIcecast,
};

/// What a thread that only sleeps and sends the same bytes costs, in nanoseconds a group: the floor
/// of this machine.
fn cost_of_bare_sending(groups: u64) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut peer = listener.accept().unwrap().0;
    std::thread::spawn(move || copy(&mut peer, &mut sink()).unwrap());
    let spent = || {
        let line = read_to_string("/proc/thread-self/schedstat").unwrap();
        line.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let (before, group) = (spent(), frames(0, 4));
    for _ in 0..groups {
        std::thread::sleep(Duration::from_millis(10));
        socket.write_all(&group).unwrap();
    }
    (spent() - before) / groups
}

#[test]
#[ignore = "needs a quiet machine"]
fn a_group_costs_one_wake_and_little_more_than_bare_sending() {
    // Nanoseconds on a processor, and how often it went to sleep.
    let spent = || {
        let task = read_dir("/proc/self/task").unwrap().find_map(|task| {
            let task = task.unwrap().path();
            let name = read_to_string(task.join("comm")).unwrap_or_default();
            (name.trim() == OUTPUT_THREAD).then_some(task)
        });
        let read = |name| read_to_string(task.as_ref().unwrap().join(name)).unwrap();
        let first = |text: &str| text.split_whitespace().next().unwrap().parse::<u64>().unwrap();
        let status = read("status");
        let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        (first(&read("schedstat")), first(sleeps.unwrap()))
    };
    const GROUPS: u64 = 300;
    let server = FakeIcecast::start([]);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    air.push(4);
    server.wait_body(0, 4 * FRAME_LEN);
    let (nanos, sleeps) = spent();
    for _ in 0..GROUPS {
        std::thread::sleep(Duration::from_millis(10));
        air.push(4);
    }
    let (nanos, sleeps) = ((spent().0 - nanos) / GROUPS, spent().1 - sleeps);
    let bare = cost_of_bare_sending(GROUPS);
    println!("{nanos} ns a group, bare sending {bare} ns, {sleeps} sleeps for {GROUPS} groups");
    assert!(nanos < bare * 2 && sleeps < GROUPS * 3 / 2);
}
