#!/usr/bin/env python3
"""Bytes a span takes in ClickHouse (chdb), in the tables of the OpenTelemetry exporter, after OPTIMIZE FINAL.

    kymo-spans dump spans.bin
    pip install chdb opentelemetry-proto
    python3 benches/peers/clickhouse_spans.py spans.bin

Not for speed: rows are prepared by Python.
"""

import json
import pathlib
import struct
import sys
import tempfile

import chdb.session
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
CODES = ["Unset", "Ok", "Error"]
# The exporter's schema: types, codecs, order, indexes and the table that finds a trace's times.
TABLE = """
CREATE TABLE otel_traces (
  Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)),
  ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)), SpanName LowCardinality(String) CODEC(ZSTD(1)),
  SpanKind LowCardinality(String) CODEC(ZSTD(1)), ServiceName LowCardinality(String) CODEC(ZSTD(1)),
  ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)),
  ScopeVersion String CODEC(ZSTD(1)), SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  Duration UInt64 CODEC(ZSTD(1)), StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)),
  Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
  Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
  INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
SETTINGS index_granularity=8192, ttl_only_drop_parts=1
"""
TIMES = """
CREATE TABLE otel_traces_trace_id_ts (
  TraceId String CODEC(ZSTD(1)), Start DateTime CODEC(Delta, ZSTD(1)), End DateTime CODEC(Delta, ZSTD(1)),
  INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE MergeTree PARTITION BY toDate(Start) ORDER BY (TraceId, Start) SETTINGS index_granularity=8192
"""


def text(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    inner = getattr(value, kind)
    return ("true" if inner else "false") if kind == "bool_value" else str(inner)


def seconds(nanoseconds):
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"


def pairs(attributes):
    return {a.key: text(a.value) for a in attributes}


def rows(path):
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        request = ExportTraceServiceRequest.FromString(data[at + 4 : at + 4 + length])
        at += 4 + length
        for resource_spans in request.resource_spans:
            resource = pairs(resource_spans.resource.attributes)
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    yield {
                        "Timestamp": seconds(span.start_time_unix_nano),
                        "TraceId": span.trace_id.hex(), "SpanId": span.span_id.hex(), "ParentSpanId": span.parent_span_id.hex(),
                        "TraceState": span.trace_state, "SpanName": span.name, "SpanKind": KINDS[span.kind],
                        "ServiceName": resource.get("service.name", ""), "ResourceAttributes": resource,
                        "ScopeName": scope_spans.scope.name, "ScopeVersion": scope_spans.scope.version,
                        "SpanAttributes": pairs(span.attributes),
                        "Duration": span.end_time_unix_nano - span.start_time_unix_nano,
                        "StatusCode": CODES[span.status.code], "StatusMessage": span.status.message,
                        "Events.Timestamp": [seconds(e.time_unix_nano) for e in span.events],
                        "Events.Name": [e.name for e in span.events],
                        "Events.Attributes": [pairs(e.attributes) for e in span.events],
                        "Links.TraceId": [l.trace_id.hex() for l in span.links],
                        "Links.SpanId": [l.span_id.hex() for l in span.links],
                        "Links.TraceState": [l.trace_state for l in span.links],
                        "Links.Attributes": [pairs(l.attributes) for l in span.links],
                    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        session = chdb.session.Session(f"{folder}/db")
        session.query("CREATE DATABASE otel ENGINE = Atomic")
        session.query("USE otel")
        session.query(TABLE)
        session.query(TIMES)
        part, count, chunk = pathlib.Path(f"{folder}/rows.jsonl"), 0, []

        def insert():
            part.write_text("\n".join(chunk))
            session.query(f"INSERT INTO otel_traces SELECT * FROM file('{part}', 'JSONEachRow')")
            chunk.clear()

        for row in rows(pathlib.Path(sys.argv[1])):
            chunk.append(json.dumps(row, separators=(",", ":")))
            count += 1
            if len(chunk) == 100_000:
                insert()
        if chunk:
            insert()
        session.query(
            "INSERT INTO otel_traces_trace_id_ts SELECT TraceId, min(Timestamp), max(Timestamp) FROM otel_traces GROUP BY TraceId"
        )
        for table in ("otel_traces", "otel_traces_trace_id_ts"):
            session.query(f"OPTIMIZE TABLE {table} FINAL")
        sizes = str(session.query(
            "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'otel' GROUP BY table", "CSV"
        ))
        print(sizes, end="")
        total = sum(int(line.split(",")[2]) for line in sizes.splitlines())
        print(f"{count} spans, {total / count:.1f} B/span")


if __name__ == "__main__":
    main()
