//! kill -9 under load: the real binary is killed at random moments while four connections write; after each restart
//! every sample that was acknowledged is there, to the bit.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::client::Client;
use kymo_tests::note;
use kymo_tests::server::{Child, free_port};
use serde_json::Value;
use tempfile::TempDir;

const ROUNDS: u64 = 20;
const CONNECTIONS: u64 = 4;
const SERIES_PER_REQUEST: u64 = 20;
const SAMPLES_PER_SERIES: u64 = 10;
const SAMPLES_PER_REQUEST: u64 = SERIES_PER_REQUEST * SAMPLES_PER_SERIES;
/// Each connection sends a request this often, or at once when it is late: 100,000 samples per second in all.
const REQUEST_INTERVAL: Duration = Duration::from_millis(8);
const BASE: i64 = 1_700_000_000_000;
const STEP_MS: i64 = 5;

/// What is written follows from these numbers alone, so a request that was acknowledged can be computed again.
#[derive(Debug, Clone, Copy)]
struct Request {
    round: u64,
    connection: u64,
    number: u64,
}

impl Request {
    fn timestamps(self) -> impl Iterator<Item = i64> {
        let first = self.number * SAMPLES_PER_SERIES;
        (first..first + SAMPLES_PER_SERIES).map(|i| BASE + i as i64 * STEP_MS)
    }

    fn value(self, series: u64, timestamp: i64) -> f64 {
        let mut state = self.round << 48 ^ self.connection << 40 ^ series << 32 ^ timestamp.cast_unsigned();
        let bits = next_random(&mut state);
        let value = f64::from_bits(bits);
        // JSON has one not-a-number only; everything else keeps its bits on the way back.
        if value.is_nan() {
            f64::from_bits(bits & !(1 << 62))
        } else {
            value
        }
    }

    fn body(self) -> Vec<u8> {
        let mut request = RequestEncoder::default();
        let (round, connection) = (self.round.to_string(), self.connection.to_string());
        for series in 0..SERIES_PER_REQUEST {
            let name = series.to_string();
            let labels = [
                ("__name__", "load"),
                ("connection", &*connection),
                ("round", &round),
                ("series", &name),
            ];
            request.series(labels, self.timestamps().map(|t| (t, self.value(series, t))));
        }
        request.compressed()
    }
}

/// splitmix64.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Writes until told to stop or until no answer comes; gives what was acknowledged.
fn write_until(client: &Client, stop: &AtomicBool, round: u64, connection: u64) -> Vec<Request> {
    let mut acked = Vec::new();
    let started = Instant::now();
    for number in 0u64.. {
        let due = REQUEST_INTERVAL * u32::try_from(number).unwrap();
        std::thread::park_timeout(due.saturating_sub(started.elapsed()));
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let request = Request {
            round,
            connection,
            number,
        };
        match client.try_write_body(&request.body()) {
            Some(answer) if answer.status == 204 => acked.push(request),
            Some(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
            None => break,
        }
    }
    acked
}

/// One round: start, load, kill; gives the acknowledged requests and the seconds of load.
fn load_and_kill(dir: &Path, port: u16, round: u64, lifetime: Duration) -> (Vec<Request>, f64) {
    let mut child = Child::start(dir, port, &[]);
    child.wait_ready();
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let (acked, seconds) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let client = child.client.clone();
                let stop = &stop;
                scope.spawn(move || write_until(&client, stop, round, connection))
            })
            .collect();
        std::thread::park_timeout(lifetime);
        child.kill();
        let seconds = started.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        let acked: Vec<Request> = writers.into_iter().flat_map(|w| w.join().unwrap()).collect();
        (acked, seconds)
    });
    (acked, seconds)
}

/// All samples of a round by connection, series and time.
fn stored(client: &Client, round: u64) -> std::collections::HashMap<(u64, u64, i64), u64> {
    let mut out = std::collections::HashMap::new();
    for connection in 0..CONNECTIONS {
        let query = format!("load{{round=\"{round}\",connection=\"{connection}\"}}[1h]");
        let at = ((BASE / 1000) + 3599).to_string();
        let data = client
            .post("/api/v1/query", &[("query", &query), ("time", &at)])
            .data();
        for series in data["result"].as_array().unwrap() {
            let number: u64 = series["metric"]["series"].as_str().unwrap().parse().unwrap();
            for point in series["values"].as_array().unwrap() {
                let (time, value) = decoded(point);
                out.insert((connection, number, time), value.to_bits());
            }
        }
    }
    out
}

fn decoded(point: &Value) -> (i64, f64) {
    let seconds = point[0].as_f64().unwrap();
    let value = match point[1].as_str().unwrap() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().unwrap(),
    };
    ((seconds * 1000.0).round() as i64, value)
}

fn missing(client: &Client, round: u64, acked: &[Request]) -> u64 {
    let stored = stored(client, round);
    let mut missing = 0;
    for request in acked {
        for series in 0..SERIES_PER_REQUEST {
            for time in request.timestamps() {
                let wanted = request.value(series, time).to_bits();
                missing += u64::from(stored.get(&(request.connection, series, time)) != Some(&wanted));
            }
        }
    }
    missing
}

#[test]
fn every_acknowledged_sample_survives_kill_9_under_load() {
    let seed = std::env::var("KYMO_SEED").ok().and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    let mut random = seed;
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let mut rounds = Vec::new();
    let (mut samples, mut seconds, mut slowest) = (0, 0.0, Duration::ZERO);
    for round in 0..ROUNDS {
        let lifetime = Duration::from_millis(200 + next_random(&mut random) % 700);
        let (acked, took) = load_and_kill(dir.path(), port, round, lifetime);
        samples += acked.len() as u64 * SAMPLES_PER_REQUEST;
        seconds += took;
        let started = Instant::now();
        let mut child = Child::start(dir.path(), port, &[]);
        child.wait_ready();
        slowest = slowest.max(started.elapsed());
        assert_eq!(
            missing(&child.client, round, &acked),
            0,
            "round {round}, KYMO_SEED={seed}"
        );
        rounds.push(acked);
        child.kill();
    }
    let child = Child::start(dir.path(), port, &[]);
    child.wait_ready();
    for (round, acked) in rounds.iter().enumerate() {
        assert_eq!(
            missing(&child.client, round as u64, acked),
            0,
            "round {round} at the end, KYMO_SEED={seed}"
        );
    }
    let rate = samples as f64 / seconds;
    note(&format!(
        "KYMO_SEED={seed}: {ROUNDS} kills, {samples} samples acknowledged at {rate:.0} per second, none missing; \
         slowest start {slowest:?}"
    ));
    assert!(
        rate >= 50_000.0,
        "a load of {rate:.0} samples per second is too light"
    );
}
