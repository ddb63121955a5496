//! The end of `serve`: the signals that ask for it.

use anyhow::Result;
use tokio::runtime::Runtime;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM and SIGHUP, caught from the moment this exists: one that comes during the start
/// ends the stream as cleanly as any other.
pub(super) struct End {
    runtime: Runtime,
    #[cfg(unix)]
    signals: [Signal; 2],
    /// A terminal that closes; nothing where it was to be ignored, as `nohup` has it.
    #[cfg(unix)]
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl End {
    pub(super) fn listen() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let inside = runtime.enter();
        let signals = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        let hangup = (!ignores_hangup()).then(|| signal(SignalKind::hangup())).transpose()?;
        drop(inside);
        Ok(Self { runtime, signals, hangup })
    }

    /// Waits for the first of them.
    pub(super) fn wait(&mut self) -> Result<()> {
        let [interrupt, terminate] = &mut self.signals;
        let hangup = &mut self.hangup;
        let closed = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        self.runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = closed => {}
            }
        });
        Ok(())
    }

    /// Waits for another one while the stream ends. SIGHUP does not count: both the kernel and the
    /// shell send it when one terminal closes.
    pub(super) fn wait_again(&mut self) -> Result<()> {
        self.hangup = None;
        self.wait()
    }
}

#[cfg(not(unix))]
impl End {
    pub(super) fn listen() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        Ok(Self { runtime })
    }

    /// Waits for the first of them.
    pub(super) fn wait(&mut self) -> Result<()> {
        Ok(self.runtime.block_on(tokio::signal::ctrl_c())?)
    }

    /// Waits for another one while the stream ends.
    pub(super) fn wait_again(&mut self) -> Result<()> {
        self.wait()
    }
}

/// Whether whoever started us wants us to outlive the terminal. Only Linux tells.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| is_hangup_among(&status))
}

/// Reads the line `SigIgn:` of a `/proc/PID/status`: a mask in which SIGHUP, signal 1, is bit 0.
#[cfg(unix)]
fn is_hangup_among(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_tells_of_the_hangup() {
        let status = |mask: &str| format!("Name:\tx\nSigIgn:\t{mask}\nSigCgt:\t0000000000000001\n");
        assert!(is_hangup_among(&status("0000000000001001")));
        assert!(!is_hangup_among(&status("0000000000001000")));
        assert!(!is_hangup_among("no such line"));
    }
}
