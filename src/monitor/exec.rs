//! The command: PCM on the standard input of another program, such as `aplay -q -t raw -f cd`.

use std::{
    io::{self, Write},
    process::{ChildStdin, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use shared_child::SharedChild;

use super::{
    Fault, Pace, Sink,
    pcm::{Frame, put_bytes},
    sink::Cut,
};
use crate::config::command_name;

/// So long a command may take to play what it was given, once its input has ended.
const END_LIMIT: Duration = Duration::from_secs(2);
/// A command that takes nothing for so long is given up.
#[cfg(unix)]
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// A running command.
pub(super) struct Exec {
    child: Arc<SharedChild>,
    input: Option<Input>,
    /// It was seen to end: its number may be another's by now.
    has_ended: bool,
    name: String,
    bytes: Vec<u8>,
}

impl Exec {
    /// Starts `command` by the system's shell, in a group of its own: a Ctrl-C on our terminal is not
    /// for it. What it says on its standard output is thrown away, what it says on its standard error
    /// goes where ours goes.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] where there is no shell. A command that is not there ends at once, which
    /// is seen as it is written to.
    pub(super) fn open(command: &str) -> Result<Self, Fault> {
        let name = format!("the command {:?}", command_name(command));
        let unavailable = |error: io::Error| Fault::unavailable(&name, &error);
        let mut shell = shell(command);
        shell.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = Arc::new(SharedChild::spawn(&mut shell).map_err(unavailable)?);
        let input = child.take_stdin().map(Input::new).transpose().map_err(unavailable)?;
        Ok(Self { child, input, has_ended: false, name, bytes: Vec::new() })
    }

    fn lost(&mut self, error: &io::Error) -> Fault {
        self.input = None;
        let reason = match error.kind() {
            io::ErrorKind::TimedOut => "it took nothing for 2 s".to_owned(),
            // It closes its input as it ends: its end says more than that.
            _ => self.end().unwrap_or_else(|| error.to_string()),
        };
        Fault::Lost { what: self.name.clone(), reason: format!("{reason}. Try it by hand") }
    }

    /// Waits for its end; in which way it was a bad one.
    fn end(&mut self) -> Option<String> {
        match self.child.wait_timeout(END_LIMIT) {
            Ok(Some(status)) => {
                self.has_ended = true;
                (!status.success()).then(|| format!("it ended with {status}"))
            }
            _ => Some("it does not end with its input, and was ended".to_owned()),
        }
    }
}

impl Sink for Exec {
    fn pace(&self) -> Pace {
        Pace::Free
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault> {
        self.bytes.clear();
        put_bytes(frames, &mut self.bytes);
        let Some(input) = &mut self.input else { return Ok(()) };
        input.write_all(&self.bytes).map_err(|error| self.lost(&error))
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.input = None;
        let what = self.name.clone();
        self.end().map_or(Ok(()), |reason| Err(Fault::Lost { what, reason }))
    }

    fn cut(&self) -> Option<Cut> {
        let child = Arc::clone(&self.child);
        Some(Arc::new(move || end_all(&child)))
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        self.input = None;
        if !self.has_ended {
            end_all(&self.child);
            // It was killed: there is nothing to wait for but that.
            let _ = self.child.wait();
        }
    }
}

/// The command's standard input, on which no write waits for longer than its limit.
#[cfg(unix)]
struct Input {
    pipe: mio::unix::pipe::Sender,
    poll: mio::Poll,
    events: mio::Events,
}

#[cfg(unix)]
impl Input {
    fn new(stdin: ChildStdin) -> io::Result<Self> {
        let mut pipe = mio::unix::pipe::Sender::from(stdin);
        pipe.set_nonblocking(true)?;
        let poll = mio::Poll::new()?;
        poll.registry().register(&mut pipe, mio::Token(0), mio::Interest::WRITABLE)?;
        Ok(Self { pipe, poll, events: mio::Events::with_capacity(1) })
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.pipe.write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.poll.poll(&mut self.events, Some(WRITE_LIMIT))?;
                    if self.events.is_empty() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The command's standard input. Windows has no wait for a pipe with a limit: a command that takes
/// nothing is ended by whoever waits for this sink.
#[cfg(not(unix))]
struct Input(ChildStdin);

#[cfg(not(unix))]
impl Input {
    fn new(stdin: ChildStdin) -> io::Result<Self> {
        Ok(Self(stdin))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}

/// Ends the command, and on Unix all that it has started.
fn end_all(child: &SharedChild) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // Where it has ended by itself there is nothing to end.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    /// `CREATE_NEW_PROCESS_GROUP` of winbase.h.
    const NEW_GROUP: u32 = 0x200;
    let mut shell = Command::new("cmd");
    // As it is: the shell has rules of its own for quotes.
    shell.arg("/C").raw_arg(command).creation_flags(NEW_GROUP);
    shell
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn pcm(count: i16) -> Vec<Frame> {
        (0..count).map(|n| [n, -n]).collect()
    }

    #[test]
    fn a_command_gets_every_frame_and_then_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it is.raw");
        let mut exec = Exec::open(&format!("cat > '{}'", path.display())).unwrap();
        for _ in 0..3 {
            exec.write(&pcm(10_000)).unwrap();
        }
        exec.finish().unwrap();
        let mut bytes = Vec::new();
        for _ in 0..3 {
            put_bytes(&pcm(10_000), &mut bytes);
        }
        assert!(std::fs::read(path).unwrap() == bytes);
    }

    #[test]
    fn a_command_that_ends_is_lost_with_its_reason_and_without_its_arguments() {
        let mut exec = Exec::open("exit 7 secret").unwrap();
        let fault = loop {
            if let Err(fault) = exec.write(&pcm(1000)) {
                break fault;
            }
        };
        let told = fault.to_string();
        assert!(matches!(fault, Fault::Lost { .. }), "{told}");
        assert!(told.contains("exit status: 7") && !told.contains("secret"), "{told}");
        let mut silent = Exec::open("cat > /dev/null; exit 9").unwrap();
        silent.write(&pcm(10)).unwrap();
        let told = silent.finish().unwrap_err().to_string();
        assert!(told.contains("exit status: 9"), "{told}");
    }

    #[test]
    fn a_command_that_takes_nothing_is_given_up_and_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let line = format!("sh -c 'echo $$ > {}; exec sleep 1000' & wait", path.display());
        let mut exec = Exec::open(&line).unwrap();
        let fault = loop {
            if let Err(fault) = exec.write(&pcm(10_000)) {
                break fault;
            }
        };
        assert!(fault.to_string().contains("took nothing for 2 s"), "{fault}");
        let pid = std::fs::read_to_string(path).unwrap();
        drop(exec);
        let begun = std::time::Instant::now();
        let is_there = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            state.is_ok_and(|state| !state.contains(") Z "))
        };
        while cfg!(target_os = "linux") && is_there() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is left behind");
            std::thread::yield_now();
        }
    }
}
