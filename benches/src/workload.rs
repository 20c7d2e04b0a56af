//! The metrics workload: targets that expose a fixed set of counters and gauges, scraped together at a fixed interval.
//!
//! The model is a fleet of exporters: 100 series a target, of which 60 count up at rates of their own, 25 are gauges with
//! two decimals, 15 never change. It says nothing about churn, late data or wide values. Everything follows from the
//! series' number and the scrape's, so that a reader can check what was written.

use kymo_proto::remote_write::RequestEncoder;

/// Series of one target.
pub const SERIES_PER_TARGET: u64 = 100;

/// A fleet that is scraped.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Number of series, a multiple of [`SERIES_PER_TARGET`] or cut there.
    pub series: u64,
    /// Time of the first scrape in milliseconds since 1970.
    pub start_ms: i64,
    /// Time between scrapes in milliseconds.
    pub interval_ms: i64,
}

impl Workload {
    /// The value of a series at a scrape.
    pub fn value(&self, series: u64, scrape: u64) -> f64 {
        let slot = series % SERIES_PER_TARGET;
        let noise = mix(series.wrapping_mul(1_000_003) ^ scrape);
        match slot {
            0..60 => (mix(series) % 1_000_000 + scrape * (1 + mix(series ^ 7) % 50) + noise % 3) as f64,
            60..85 => (mix(series) % 10_000 + noise % 500) as f64 / 100.0,
            _ => (mix(series) % 1000) as f64,
        }
    }

    /// The time of a scrape.
    pub fn time(&self, scrape: u64) -> i64 {
        self.start_ms + scrape as i64 * self.interval_ms
    }

    /// A remote-write 1.0 body, compressed, of the series in `range` at one scrape.
    pub fn body(&self, range: std::ops::Range<u64>, scrape: u64) -> Vec<u8> {
        let mut encoder = RequestEncoder::default();
        for series in range {
            let (target, slot) = (series / SERIES_PER_TARGET, series % SERIES_PER_TARGET);
            let name = format!(
                "node_load_metric_{slot:03}_{}",
                if slot < 60 { "total" } else { "bytes" }
            );
            let instance = format!(
                "10.{}.{}.{}:9100",
                target >> 16 & 255,
                target >> 8 & 255,
                target & 255
            );
            let zone = format!("zone-{}", target % 3);
            let labels = [
                ("__name__", name.as_str()),
                ("cluster", "bench"),
                ("instance", instance.as_str()),
                ("job", "node"),
                ("zone", zone.as_str()),
            ];
            encoder.series(labels, [(self.time(scrape), self.value(series, scrape))]);
        }
        encoder.compressed()
    }
}

/// SplitMix64's finaliser: spreads numbers evenly.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
