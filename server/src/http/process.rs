//! What the system says about this process, from `/proc`. Absent values are left out rather than guessed.

/// CPU, memory and files of this process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ProcessStats {
    /// User and system CPU seconds.
    pub(crate) cpu_seconds: Option<f64>,
    /// Resident bytes.
    pub(crate) resident_bytes: Option<u64>,
    /// Open file descriptors.
    pub(crate) open_fds: Option<u64>,
    /// Threads.
    pub(crate) threads: Option<u64>,
}

impl ProcessStats {
    /// Reads them now.
    pub(crate) fn read() -> ProcessStats {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The command name in parentheses may hold spaces; the numbers follow its last parenthesis, from field 3 on.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let page = rustix::param::page_size() as u64;
        ProcessStats {
            cpu_seconds: number(14)
                .zip(number(15))
                .map(|(user, system)| (user + system) as f64 / ticks),
            threads: number(20),
            resident_bytes: number(24).map(|pages| pages * page),
            open_fds: std::fs::read_dir("/proc/self/fd")
                .ok()
                .map(|dir| dir.count() as u64),
        }
    }
}
