//! The real scrapes of `../shared/data/recording`: series with their samples, put together from the remote-write bodies
//! that a Prometheus sent. Not for replicating them (see `fleet`).

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result};
use kymo_proto::remote_write::{Labels, Scan};
use kymo_proto::snappy;

/// One series as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Label names and values, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Milliseconds since 1970 and values, ascending.
    pub samples: Vec<(i64, f64)>,
}

impl Recorded {
    /// Value of a label, empty when absent.
    pub fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Where the recording lies.
pub fn path() -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    PathBuf::from(root).join("../shared/data/recording/remote-write-part1.tar.zst")
}

/// The recorded series in the order of their first appearance.
///
/// # Errors
/// When the recording is absent or does not read.
pub fn load() -> Result<Vec<Recorded>> {
    let path = path();
    let file = std::fs::File::open(&path).with_context(|| {
        format!(
            "the workload is replicated from {}, which is absent",
            path.display()
        )
    })?;
    let mut archive = tar::Archive::new(zstd::Decoder::new(file)?);
    let mut bodies = BTreeMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if name.ends_with(".bin") {
            let mut body = Vec::new();
            entry.read_to_end(&mut body)?;
            bodies.insert(name, body);
        }
    }
    let mut all: Vec<Recorded> = Vec::new();
    let mut known = HashMap::new();
    for body in bodies.values() {
        let raw = snappy::decompress(body, 64 << 20)?;
        let mut scan = Scan::new(&raw);
        while let Some(series) = scan.next_series()? {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let labels = Labels::new(&series.labels)
                .map(|label| label.map(|l| (text(l.name), text(l.value))))
                .collect::<Result<Vec<_>, _>>()?;
            let at = *known.entry(labels.clone()).or_insert_with(|| {
                let samples = Vec::new();
                all.push(Recorded { labels, samples });
                all.len() - 1
            });
            all[at]
                .samples
                .extend(series.samples.iter().map(|s| (s.timestamp, s.value)));
        }
    }
    all.retain(|series| !series.samples.is_empty());
    all.iter_mut()
        .for_each(|series| series.samples.sort_by_key(|(time, _)| *time));
    Ok(all)
}
