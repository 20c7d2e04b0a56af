//! Lines of twelve services of a shop, as their agents send them: five write JSON, four logfmt and three plain text, from three
//! pods each. About 246 bytes a line. Five lines on average belong to one request; the lines of seven services carry its trace
//! id (32 hexadecimal digits), three of them in the line and four in structured metadata. The same seed gives the same lines.

use std::fmt::Write;

const SERVICES: [(&str, Format, Ids); 12] = [
    ("gateway", Format::Json, Ids::Line),
    ("cart", Format::Json, Ids::Line),
    ("checkout", Format::Json, Ids::Metadata),
    ("payment", Format::Json, Ids::Metadata),
    ("catalogue", Format::Json, Ids::None),
    ("stock", Format::Logfmt, Ids::Line),
    ("shipping", Format::Logfmt, Ids::Metadata),
    ("pricing", Format::Logfmt, Ids::Metadata),
    ("search", Format::Logfmt, Ids::None),
    ("mailer", Format::Plain, Ids::None),
    ("ledger", Format::Plain, Ids::None),
    ("proxy", Format::Plain, Ids::None),
];
const PODS: u64 = 3;
const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const STATUSES: [u16; 10] = [200, 200, 200, 200, 201, 204, 304, 404, 500, 503];
const REGIONS: [&str; 3] = ["eu-west-1", "eu-central-1", "us-east-1"];
const MESSAGES: [&str; 12] = [
    "request served from the warm cache after one lookup",
    "order accepted and handed over to the fulfilment queue",
    "downstream call finished within its budget",
    "stock reservation was confirmed by the warehouse",
    "price list reloaded, old entries are dropped",
    "customer session was refreshed before it ran out",
    "payment authorised by the acquirer at the first attempt",
    "retrying after a connection reset by the upstream peer",
    "slow query on the orders table took longer than expected",
    "deadline exceeded while waiting for the inventory lock",
    "card declined: issuer says insufficient funds",
    "configuration reloaded without a restart of the workers",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Logfmt,
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    None,
    Line,
    Metadata,
}

/// A line of the shop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShopLine {
    /// Number of its stream, below [`STREAMS`].
    pub stream: usize,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The line.
    pub text: String,
    /// The trace id, when it is in structured metadata.
    pub trace_id: Option<String>,
    /// What the line says of its level.
    pub level: &'static str,
}

/// Number of streams.
pub const STREAMS: usize = SERVICES.len() * PODS as usize;

/// Labels of a stream.
pub fn labels(stream: usize) -> [(&'static str, String); 4] {
    let (service, pod) = (SERVICES[stream / PODS as usize].0, stream as u64 % PODS);
    [
        ("service_name", service.to_owned()),
        ("namespace", "shop".to_owned()),
        ("cluster", "eu-1".to_owned()),
        ("pod", format!("{service}-7d9f{pod}c-x{pod}k2p")),
    ]
}

/// Makes the shop's lines, in order of time.
#[derive(Debug)]
pub struct Lines {
    state: u64,
    now: u64,
    step: u64,
    /// The trace of the next lines and how many it still has.
    trace: (u128, u64),
    /// Lines made so far.
    pub made: u64,
}

impl Lines {
    /// Lines from `start_ns` on, one every `step_ns` on average.
    pub fn new(seed: u64, start_ns: u64, step_ns: u64) -> Lines {
        Lines {
            state: seed,
            now: start_ns,
            step: step_ns,
            trace: (0, 0),
            made: 0,
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random() % n
    }

    /// The next line.
    pub fn next_line(&mut self) -> ShopLine {
        self.now += 1 + self.below(2 * self.step - 1);
        if self.trace.1 == 0 {
            let id = u128::from(self.random()) << 64 | u128::from(self.random());
            self.trace = (id, 1 + self.below(9));
        }
        self.trace.1 -= 1;
        self.made += 1;
        let service = self.below(SERVICES.len() as u64) as usize;
        let stream = service * PODS as usize + self.below(PODS) as usize;
        let level = LEVELS[[1, 1, 1, 1, 1, 1, 1, 0, 0, 2, 2, 3][self.below(12) as usize]];
        let id = format!("{:032x}", self.trace.0);
        let (_, format, ids) = SERVICES[service];
        let in_line = (ids == Ids::Line).then_some(id.as_str());
        let text = match format {
            Format::Json => self.json(service, level, in_line),
            Format::Logfmt => self.logfmt(service, level, in_line),
            Format::Plain => self.plain(service, level),
        };
        ShopLine {
            stream,
            time: self.now,
            text,
            trace_id: (ids == Ids::Metadata).then_some(id),
            level,
        }
    }

    /// The time in milliseconds by RFC 3339; days by eras of 400 years that begin in March.
    fn date(&self) -> String {
        let (seconds, millis) = (self.now / 1_000_000_000, self.now / 1_000_000 % 1_000);
        let (days, of_day) = (seconds / 86_400 + 719_468, seconds % 86_400);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let of_era_year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = era * 400 + of_era_year + u64::from(month <= 2);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }

    fn message(&mut self, level: &str) -> &'static str {
        let (from, of) = match level {
            "error" => (8, 3),
            "warn" => (7, 3),
            _ => (0, 7),
        };
        MESSAGES[from + self.below(of) as usize]
    }

    fn json(&mut self, service: usize, level: &str, id: Option<&str>) -> String {
        let (message, status) = (self.message(level), STATUSES[self.below(10) as usize]);
        let (order, user, took) = (self.below(900_000), self.below(20_000), self.below(90_000));
        let method = METHODS[self.below(4) as usize];
        let mut out = format!(
            "{{\"ts\":\"{}\",\"level\":\"{level}\",\"logger\":\"{}.http\",\"msg\":\"{message}\"",
            self.date(),
            SERVICES[service].0
        );
        if let Some(id) = id {
            write!(out, ",\"trace_id\":\"{id}\"").expect("a string grows");
        }
        write!(
            out,
            ",\"request\":{{\"method\":\"{method}\",\"path\":\"/api/v1/orders/{order}\"}},\"response_status\":{status},\"duration_ms\":{}.{:02},\"user\":{{\"id\":\"u-{user}\"}},\"version\":\"2026.2.1\"}}",
            took / 100,
            took % 100
        )
        .expect("a string grows");
        out
    }

    fn logfmt(&mut self, service: usize, level: &str, id: Option<&str>) -> String {
        let message = self.message(level);
        let (item, took, bytes) = (self.below(50_000), self.below(4_000), self.below(1 << 20));
        let region = REGIONS[self.below(3) as usize];
        let mut out = format!(
            "ts={} level={level} caller={}/worker.go:{} msg=\"{message}\"",
            self.date(),
            SERVICES[service].0,
            100 + self.below(20) * 7
        );
        if let Some(id) = id {
            write!(out, " trace_id={id}").expect("a string grows");
        }
        write!(
            out,
            " region={region} item=sku-{item} duration={took}ms bytes={bytes} attempt={} version=2026.2.1",
            1 + self.below(3)
        )
        .expect("a string grows");
        out
    }

    fn plain(&mut self, service: usize, level: &str) -> String {
        let message = self.message(level);
        let (a, b, port) = (self.below(256), self.below(256), 1_024 + self.below(60_000));
        let (took, size) = (self.below(5_000), self.below(100_000));
        format!(
            "{} {} [{}-worker-{}] shop.{}.Handler - client 10.8.{a}.{b}:{port} {message} (took {took} ms, sent {size} bytes, queue depth {})",
            self.date().replace('T', " ").replace('Z', ""),
            level.to_uppercase(),
            SERVICES[service].0,
            self.below(16),
            SERVICES[service].0,
            self.below(64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_lines_of_about_the_told_length() {
        let lines = |seed| {
            let mut lines = Lines::new(seed, 1_770_000_000_000_000_000, 1_000_000);
            (0..20_000).map(|_| lines.next_line()).collect::<Vec<ShopLine>>()
        };
        let all = lines(1);
        assert!(all == lines(1) && all != lines(2));
        assert!(all.windows(2).all(|w| w[0].time < w[1].time));
        assert!(
            all.iter()
                .any(|l| l.text.starts_with("{\"ts\":\"2026-02-02T02:40:0"))
        );
        let mean = all.iter().map(|l| l.text.len()).sum::<usize>() / all.len();
        assert!((235..=255).contains(&mean), "{mean} bytes a line");
    }
}
