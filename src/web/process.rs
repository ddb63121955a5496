//! The process: what it takes of the machine, as the system tells it.

/// Memory and open files; what the system does not tell is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// Resident memory: bytes.
    pub(super) resident: Option<u64>,
    /// Files and sockets that are open.
    pub(super) open_files: Option<u64>,
    /// How many may be.
    pub(super) max_open_files: Option<u64>,
}

impl Process {
    /// This process now. With ten thousand sockets the system needs some milliseconds to list them.
    pub(super) fn now() -> Self {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}"));
        Self {
            resident: read("status").ok().and_then(|status| resident(&status)),
            open_files: std::fs::read_dir("/proc/self/fd").ok().and_then(|files| {
                // One of them is the list itself.
                u64::try_from(files.count()).ok()?.checked_sub(1)
            }),
            max_open_files: read("limits").ok().and_then(|limits| max_open_files(&limits)),
        }
    }
}

/// Linux says it in KiB: proc_pid_status(5).
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The soft limit; nothing where there is none: proc_pid_limits(5).
fn max_open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_writes_is_read() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t   1500 kB\nThreads:\t9\n"), Some(1_536_000));
        assert_eq!(resident("VmRSS:\t99999999999999999999 kB\n"), None);
        let limits = "Limit    Soft Limit   Hard Limit   Units\n\
            Max open files            1024                 524288               files\n";
        assert_eq!(max_open_files(limits), Some(1024));
        assert_eq!(max_open_files("Max open files   unlimited  unlimited  files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_measured() {
        let now = Process::now();
        assert!(now.resident.is_some_and(|bytes| bytes > 100_000), "{now:?}");
        assert!(now.open_files.is_some_and(|files| files >= 3), "{now:?}");
    }
}
