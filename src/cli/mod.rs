//! The command line: one file a command; the only room with environment, terminal and exit codes.

mod arguments;
mod backup;
mod banner;
pub mod check;
mod client;
mod config;
mod demo;
mod desk;
mod direct;
mod end;
mod entry;
mod events;
mod failure;
mod layout;
mod monitor;
mod open_files;
mod places;
mod play;
mod queue;
mod queue_table;
mod scan;
mod scan_report;
mod serve;
mod setting;
mod song;
mod songs;
mod status;
mod telemetry;
mod watch;
mod wire;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::Parser;

use arguments::{Arguments, Command};
use setting::Setting;

/// Runs the program: `arguments` as they were typed, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return failure::of_parsing(&error),
    };
    let mut screen = io::stdout();
    let outcome = dispatch(arguments, &mut screen).and_then(|()| Ok(screen.flush()?));
    failure::report(outcome)
}

fn dispatch(arguments: Arguments, screen: &mut dyn Write) -> Result<()> {
    let Arguments { global, command } = arguments;
    command.check_server(&global)?;
    let _logs =
        telemetry::start(&global, matches!(command, Command::Serve(_) | Command::Monitor(_)));
    let setting = || Setting::load(&global);
    match command {
        Command::Serve(options) => serve::run(&options, &global, screen),
        Command::Scan(options) => scan::run(&options, &setting()?, screen),
        Command::Queue(options) => queue::run(options, &setting()?, screen),
        Command::Play => play::run(play::Wish::Play, &setting()?, screen),
        Command::Pause => play::run(play::Wish::Pause, &setting()?, screen),
        Command::Next => play::run(play::Wish::Next, &setting()?, screen),
        Command::Status(options) => status::run(&options, &setting()?, screen),
        Command::Watch(options) => watch::run(&options, &setting()?, screen),
        Command::Songs(options) => songs::run(&options, &setting()?, screen),
        Command::Check(options) => check::run(&options, screen),
        Command::Monitor(options) => monitor::run(&options, screen),
        Command::Config(options) => config::run(&options, &global, screen),
        Command::Backup(options) => backup::run(&options, &setting()?, screen),
    }
}
