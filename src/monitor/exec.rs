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

/// So long a command may take to play what it was given, once its input has ended.
const END_LIMIT: Duration = Duration::from_secs(2);

/// A running command.
pub(super) struct Exec {
    child: Arc<SharedChild>,
    stdin: Option<ChildStdin>,
    name: String,
    bytes: Vec<u8>,
}

impl Exec {
    /// Starts `command` by the system's shell. What it says on its standard output is thrown away, what
    /// it says on its standard error goes where ours goes.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] where there is no shell. A command that is not there ends at once, which
    /// is seen as it is written to.
    pub(super) fn open(command: &str) -> Result<Self, Fault> {
        let name = format!("the command {:?}", first_word(command));
        let mut shell = shell(command);
        shell.stdin(Stdio::piped()).stdout(Stdio::null());
        let child =
            SharedChild::spawn(&mut shell).map_err(|error| Fault::unavailable(&name, &error))?;
        let stdin = child.take_stdin();
        Ok(Self { child: Arc::new(child), stdin, name, bytes: Vec::new() })
    }

    fn lost(&self, error: &io::Error) -> Fault {
        // It closes its input as it ends: its end says more than that.
        let reason = match self.child.wait_timeout(END_LIMIT) {
            Ok(Some(status)) => format!("it ended with {status}. Try it by hand"),
            _ => error.to_string(),
        };
        Fault::Lost { what: self.name.clone(), reason }
    }
}

impl Sink for Exec {
    fn pace(&self) -> Pace {
        Pace::Free
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault> {
        self.bytes.clear();
        put_bytes(frames, &mut self.bytes);
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        stdin.write_all(&self.bytes).map_err(|error| self.lost(&error))
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.stdin = None;
        match self.child.wait_timeout(END_LIMIT) {
            Ok(Some(_)) => Ok(()),
            _ => {
                let reason = "it does not end with its input and was ended".to_owned();
                Err(Fault::Lost { what: self.name.clone(), reason })
            }
        }
    }

    fn cut(&self) -> Option<Cut> {
        let child = Arc::clone(&self.child);
        // Where it has ended by itself there is nothing to end.
        Some(Arc::new(move || drop(child.kill())))
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        self.stdin = None;
        // Both fail only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the command is called in messages: its arguments may hold what is nobody's business.
pub(super) fn first_word(command: &str) -> &str {
    command.split_whitespace().next().unwrap_or_default()
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    // With exec a simple command takes the shell's place, and is what is ended.
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    // As it is: the shell has rules of its own for quotes.
    shell.arg("/C").raw_arg(command);
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
    }
}
