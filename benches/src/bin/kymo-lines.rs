//! Measures the store of log lines by itself: what a line takes on disk, what taking lines in, flushing and merging cost.
//! Not the server: see `kymo-load` and `kymo-spans` for that.

use std::sync::Arc;
use std::time::Instant;

use kymo_benches::lines::{Lines, labels};
use kymo_engine::labels::Labels;
use kymo_engine::logs::{BatchBuilder, NO_SET, Needle, Scan};
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::LocalStorage;

const START_NS: u64 = 1_770_000_000_000_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or("usage: kymo-lines DIR [MILLIONS]")?;
    let millions: f64 = args.next().map_or(Ok(1.0), |n| n.parse())?;
    let count = (millions * 1e6) as u64;
    let storage = Arc::new(LocalStorage::open(std::path::Path::new(&dir))?);
    let (node, _) = Node::open(storage, NodeOptions::default())?;
    let committing = node.clone();
    let commits = std::thread::spawn(move || committing.run_commits());
    let tenant = node.tenant("bench")?;
    let mut lines = Lines::new(7, START_NS, 4_000_000);
    let (mut raw, mut making, started) = (0, 0.0, Instant::now());
    while lines.made < count {
        let at = Instant::now();
        let batch: Vec<_> = (0..2_000).map(|_| lines.next_line()).collect();
        making += at.elapsed().as_secs_f64();
        let mut builder = BatchBuilder::default();
        for line in &batch {
            raw += line.text.len();
            let stream = builder.stream(Labels::from_pairs(labels(line.stream)));
            let level = [("detected_level", line.level)];
            let id = line.trace_id.as_ref().map(|id| ("trace_id", id.as_str()));
            let set = builder.set(NO_SET, level.into_iter().chain(id));
            builder.push(stream, line.time as i64, set, line.text.as_bytes());
        }
        tenant
            .logs
            .append(node.log(), Arc::new(builder.build()))?
            .wait()?;
        node.maintain(0)?;
    }
    println!("{count} lines of {} bytes", raw as u64 / count);
    println!(
        "taken in and flushed: {:.2} s/M",
        (started.elapsed().as_secs_f64() - making) / millions
    );
    let at = Instant::now();
    node.flush()?;
    let young = tenant.logs.stats();
    println!(
        "young: {} blocks, {:.2} B/line, {:.2} s",
        young.blocks,
        young.block_bytes as f64 / count as f64,
        at.elapsed().as_secs_f64()
    );
    let at = Instant::now();
    node.compact()?;
    let merged = tenant.logs.stats();
    println!(
        "merged: {} blocks, {:.2} B/line, {:.2} s/M",
        merged.blocks,
        merged.block_bytes as f64 / count as f64,
        at.elapsed().as_secs_f64() / millions
    );
    for needle in [
        "nosuchword",
        "inventory",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "user\":{\"id\":\"u-1999",
    ] {
        let at = Instant::now();
        let scan = Scan {
            from: i64::MIN,
            until: i64::MAX,
            needles: vec![Needle::text(needle)],
            ..Scan::default()
        };
        let parts = tenant.logs.snapshot().scan(&scan)?;
        let planned = at.elapsed().as_secs_f64() * 1e3;
        let mut rows = 0;
        for part in &parts {
            rows += part.load()?.iter().map(|s| s.rows.len()).sum::<usize>();
        }
        println!(
            "{needle}: {} parts in {planned:.2} ms, {rows} rows in {:.2} ms",
            parts.len(),
            at.elapsed().as_secs_f64() * 1e3
        );
    }
    node.close();
    commits.join().map_err(|_| "the commit thread failed")?;
    Ok(())
}
