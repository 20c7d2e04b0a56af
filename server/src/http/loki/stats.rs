//! The statistics of an answer, in Loki's form (`pkg/logqlmodel/stats/stats.proto`). What there is nothing of here, such as caches
//! between services, is 0.

use kymo_query::logql::eval::store::Stats;

use crate::http::json::{Object, double};

/// Caches that Loki has.
const CACHES: [&str; 8] = [
    "chunk",
    "index",
    "result",
    "statsResult",
    "volumeResult",
    "seriesResult",
    "labelResult",
    "instantMetricResult",
];

/// Numbers of a cache.
const OF_CACHE: [&str; 8] = [
    "entriesFound",
    "entriesRequested",
    "entriesStored",
    "bytesReceived",
    "bytesSent",
    "requests",
    "downloadTime",
    "queryLengthServed",
];

/// What was read, and how long that took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Took {
    pub(super) stats: Stats,
    pub(super) seconds: f64,
    /// Seconds before its turn came.
    pub(super) waited: f64,
    /// Entries or points of the answer.
    pub(super) returned: u64,
}

/// Writes the statistics.
pub(super) fn put_stats(o: &mut Object<'_>, took: Took) {
    let (stats, seconds) = (took.stats, took.seconds);
    let per_second = |n: u64| match seconds > 0.0 {
        true => (n as f64 / seconds) as u64,
        false => 0,
    };
    o.object("summary", |o| {
        count(o, "bytesProcessedPerSecond", per_second(stats.bytes));
        count(o, "linesProcessedPerSecond", per_second(stats.lines));
        count(o, "totalBytesProcessed", stats.bytes);
        count(o, "totalLinesProcessed", stats.lines);
        double(o.name("execTime"), seconds);
        double(o.name("queueTime"), took.waited);
        count(o, "subqueries", 0);
        count(o, "totalEntriesReturned", took.returned);
        count(o, "splits", 0);
        count(o, "shards", 0);
        count(o, "totalPostFilterLines", stats.lines_kept);
        count(o, "totalStructuredMetadataBytesProcessed", 0);
    });
    o.object("querier", |o| put_store(o, &stats));
    o.object("ingester", |o| {
        for name in [
            "totalReached",
            "totalChunksMatched",
            "totalBatches",
            "totalLinesSent",
        ] {
            count(o, name, 0);
        }
        put_store(o, &Stats::default());
    });
    o.object("cache", |o| {
        for name in CACHES {
            o.object(name, |o| OF_CACHE.iter().for_each(|of| count(o, of, 0)));
        }
    });
    o.object("index", |o| {
        count(o, "totalChunks", stats.parts);
        count(o, "postFilterChunks", stats.parts_read);
        count(o, "shardsDuration", 0);
        o.name("usedBloomFilters").extend_from_slice(b"false");
        count(o, "totalStreams", 0);
    });
}

/// Parts of the store, where Loki has chunks.
fn put_store(o: &mut Object<'_>, stats: &Stats) {
    o.object("store", |o| {
        count(o, "totalChunksRef", stats.parts);
        count(o, "totalChunksDownloaded", stats.parts_read);
        count(o, "chunksDownloadTime", 0);
        o.name("queryReferencedStructuredMetadata")
            .extend_from_slice(b"false");
        o.name("queryUsedV2Engine").extend_from_slice(b"false");
        o.object("chunk", |o| {
            count(o, "headChunkBytes", 0);
            count(o, "headChunkLines", 0);
            count(o, "decompressedBytes", stats.bytes);
            count(o, "decompressedLines", stats.lines);
            count(o, "compressedBytes", 0);
            count(o, "totalDuplicates", 0);
            count(o, "postFilterLines", stats.lines_kept);
            count(o, "headChunkStructuredMetadataBytes", 0);
            count(o, "decompressedStructuredMetadataBytes", 0);
        });
    });
}

fn count(o: &mut Object<'_>, name: &str, n: u64) {
    o.integer(name, i64::try_from(n).unwrap_or(i64::MAX));
}
