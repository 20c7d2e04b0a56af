"""The metrics pipeline of the OpenTelemetry SDK, as an application runs it.

Usage: otlp_sdk.py http|grpc ENDPOINT cumulative|delta none|gzip SERVICE
Records the same measurements in two rounds and exports each.
"""

import sys
import time

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

transport, endpoint, temporality, compression, service = sys.argv[1:]

if temporality == "delta":
    kinds = (Counter, ObservableCounter, Histogram)
    preferred = {kind: AggregationTemporality.DELTA for kind in kinds}
else:
    preferred = None

if transport == "http":
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    coding = Compression.Gzip if compression == "gzip" else Compression.NoCompression
    exporter = OTLPMetricExporter(endpoint=endpoint, preferred_temporality=preferred, compression=coding)
else:
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    coding = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
    exporter = OTLPMetricExporter(
        endpoint=endpoint, insecure=True, preferred_temporality=preferred, compression=coding
    )

provider = MeterProvider(
    resource=Resource.create({"service.name": service, "service.instance.id": "i1", "zone": "z1"}),
    metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
    views=[View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())],
)
meter = provider.get_meter("shop", "1.0")
tracer = TracerProvider().get_tracer("shop")
requests = meter.create_counter("requests", unit="1", description="Requests served.")
active = meter.create_up_down_counter("active")
temperature = meter.create_gauge("temperature", unit="Cel")
latency = meter.create_histogram("latency", unit="ms")
size = meter.create_histogram("size", unit="By")

for n in (3, 4):
    with tracer.start_as_current_span("work"):
        requests.add(n, {"http.route": "/a", "retries": 2, "ok": True})
    active.add(n - 2)
    temperature.set(20.5 + n)
    for value in (1.0, 30.0, 700.0):
        latency.record(value, {"http.route": "/a"})
        size.record(value)
    if not provider.force_flush():
        sys.exit("the export failed")
    # Two exports of one millisecond would be two values at one time.
    time.sleep(0.05)

provider.shutdown()
