//! The log of slow queries: JSON lines in the form of Prometheus' query log, or a line of the server's own log where no file
//! is configured. A file that cannot be written is complained of and the queries go on.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::active::Running;
use super::outcome::{Cost, Outcome};
use crate::clock::now_ms;
use crate::config::QueryLimits;
use crate::http::rfc3339;

/// Where slow queries are written.
pub(super) struct SlowLog {
    threshold: Duration,
    file: Option<PathBuf>,
}

impl SlowLog {
    pub(super) fn new(limits: &QueryLimits) -> SlowLog {
        SlowLog {
            threshold: Duration::from_millis(limits.log_slow_ms),
            file: limits.log_file.clone(),
        }
    }

    /// True for a query that took as long as the threshold. A threshold of 0 means every query, for which a file is needed.
    pub(super) fn is_slow(&self, took: Duration) -> bool {
        took >= self.threshold && (self.file.is_some() || !self.threshold.is_zero())
    }

    pub(super) fn write(&self, running: &Running, outcome: Outcome, cost: &Cost) {
        let Some(path) = &self.file else {
            tracing::warn!(
                query = running.asked.text,
                kind = running.asked.kind,
                tenant = running.asked.tenant,
                outcome = outcome.as_str(),
                seconds = cost.took.as_secs_f64(),
                peak_bytes = cost.peak_bytes,
                samples_read = cost.samples_read,
                "slow query"
            );
            return;
        };
        let line = line(running, outcome, cost);
        // Opened for each line, so that the file can be moved away; a line is one write, so lines never mix.
        let mut options = std::fs::OpenOptions::new();
        let written = options
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "cannot write the query log");
        }
    }
}

fn line(running: &Running, outcome: Outcome, cost: &Cost) -> String {
    let asked = &running.asked;
    let (took, waited) = (cost.took.as_secs_f64(), cost.waited.as_secs_f64());
    let evaluated = cost.took.saturating_sub(cost.waited).as_secs_f64();
    let mut line = json!({
        "ts": rfc3339(now_ms()),
        "params": {
            "query": asked.text,
            "start": rfc3339(asked.start),
            "end": rfc3339(asked.end),
            "step": asked.step as f64 / 1000.0,
        },
        "stats": {
            "timings": {
                "evalTotalTime": evaluated,
                "execQueueTime": waited,
                "execTotalTime": took,
            },
            "samples": {
                "totalQueryableSamples": cost.samples_queryable,
                "samplesRead": cost.samples_read,
                "peakSamples": cost.samples_peak,
            },
            "peakMemoryBytes": cost.peak_bytes,
        },
        "httpRequest": {"clientIP": asked.remote, "path": format!("/api/v1/{}", asked.kind)},
        "tenant": asked.tenant,
        "outcome": outcome.as_str(),
    });
    if !cost.error.is_empty() {
        line["error"] = json!(cost.error);
    }
    let mut line = line.to_string();
    line.push('\n');
    line
}
