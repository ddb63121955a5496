//! `scan`: reads folders into the library and tells what it found.

use std::{
    io::{IsTerminal, Write, stderr},
    path::PathBuf,
    thread,
    time::Duration,
};

use anyhow::{Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    desk::{Desk, is_refused},
    layout, scan_report,
    setting::{Setting, absolute},
    wire::ScanView,
};

/// How often the bar moves.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Scans of others that are waited for before ours is given up: there are not so many people.
const OTHER_SCANS: u32 = 8;

/// What `scan` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Folders to read [default: directories.music]
    #[arg(value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let folders = options.folders.iter().map(|folder| absolute(folder));
    let folders = folders.collect::<Result<Vec<_>>>()?;
    let desk = setting.desk()?;
    let view = scan(&folders, desk.as_ref())?;
    match (view.report, view.error) {
        (_, Some(error)) => bail!("{error}"),
        (Some(report), None) => {
            if let Some(why) = scan_report::nothing_read(&report) {
                bail!("{why}");
            }
            if options.json {
                return layout::json(&report, screen);
            }
            Ok(screen.write_all(scan_report::text(&report).as_bytes())?)
        }
        (None, None) => bail!("the scan ended without a report; the server's log has the reason"),
    }
}

/// Scans, after whatever scan runs already.
fn scan(folders: &[PathBuf], desk: &dyn Desk) -> Result<ScanView> {
    for _ in 0..OTHER_SCANS {
        match desk.start_scan(folders) {
            Ok(()) => return follow(desk),
            Err(error) if is_refused(&error, "scan_running") => follow(desk)?,
            Err(error) => return Err(error),
        };
    }
    bail!("other scans run again and again; try again later")
}

fn follow(desk: &dyn Desk) -> Result<ScanView> {
    let bar = stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{spinner} {pos} of {len} files {wide_bar} {eta}");
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    loop {
        let view = desk.scan_view()?;
        if let Some(bar) = &bar {
            bar.set_length(view.found);
            bar.set_position(view.done);
        }
        if !view.running {
            if let Some(bar) = &bar {
                bar.finish_and_clear();
            }
            return Ok(view);
        }
        thread::sleep(LOOK_EVERY);
    }
}
