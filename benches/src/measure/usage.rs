//! What a process used and what a directory takes, as the kernel counts it.

use std::path::Path;

use anyhow::{Context, Result};

/// Clock ticks a second of `/proc/PID/stat`, the same on every Linux.
const TICKS: f64 = 100.0;

/// Resources of a process so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// User and system time in seconds.
    pub cpu: f64,
    /// Peak resident memory in MiB.
    pub peak_mib: f64,
    /// Resident memory now in MiB.
    pub resident_mib: f64,
}

/// Reads what a process used.
///
/// # Errors
/// When the process is gone.
pub fn usage(pid: u32) -> Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(") ").context("stat")?.1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mib = |key: &'static str| -> Result<f64> {
        let line = status.lines().find_map(|l| l.strip_prefix(key)).context(key)?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib / 1024.0)
    };
    Ok(Usage {
        cpu: ticks / TICKS,
        peak_mib: mib("VmHWM:")?,
        resident_mib: mib("VmRSS:")?,
    })
}

/// Bytes of all files below a directory; zero when it is absent.
///
/// # Errors
/// When a directory does not read; files that vanish meanwhile count nothing.
pub fn disk_bytes(dir: &Path) -> Result<u64> {
    if !dir.exists() {
        return Ok(0);
    }
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(m) if m.is_dir() => disk_bytes(&entry.path())?,
            Ok(m) => m.len(),
            Err(_) => 0,
        };
    }
    Ok(bytes)
}

/// Lets the peak of a process' resident memory begin anew.
///
/// # Errors
/// When the process is gone.
pub fn reset_peak(pid: u32) -> Result<()> {
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}
