//! What the machine has for this process. Not for what the process uses (see `http/process`).

/// Assumed where the system does not say.
const UNKNOWN_BYTES: u64 = 2 << 30;

/// Bytes of memory that this process may use: the machine's, or the container's limit where that is lower.
pub(crate) fn memory_bytes() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total(&text));
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let container = limits
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok())
        .min();
    match (machine, container) {
        (Some(machine), Some(container)) => machine.min(container),
        (machine, container) => machine.or(container).unwrap_or(UNKNOWN_BYTES),
    }
}

/// `MemTotal` of `/proc/meminfo`, which counts in KiB.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    //! What is read from the system's texts.

    use super::*;

    #[test]
    fn the_total_is_read_in_bytes() {
        assert_eq!(
            total("MemTotal:       24000 kB\nMemFree: 1 kB\n"),
            Some(24_000 << 10)
        );
        assert_eq!(total("MemFree: 1 kB\n"), None);
        assert!(memory_bytes() > 64 << 20);
    }
}
