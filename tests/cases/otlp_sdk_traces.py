"""The tracing pipeline of the OpenTelemetry SDK, as an application runs it.

Usage: otlp_sdk_traces.py http|grpc ENDPOINT none|gzip SERVICE
Records two traces of which one links to the other, and prints the id of the second.
"""

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

transport, endpoint, compression, service = sys.argv[1:]

if transport == "http":
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    coding = Compression.Gzip if compression == "gzip" else Compression.NoCompression
    exporter = OTLPSpanExporter(endpoint=endpoint, compression=coding)
else:
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    coding = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, compression=coding)

provider = TracerProvider(resource=Resource.create({"service.name": service, "zone": "z1"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("shop", "1.0", schema_url="https://s", attributes={"team": "a"})

with tracer.start_as_current_span("first") as first:
    pass

start = 1_700_000_000_123_456_789
root = tracer.start_span(
    "second",
    kind=SpanKind.SERVER,
    start_time=start,
    links=[Link(first.get_span_context(), {"why": "before"})],
    attributes={"text": "\u00e4", "int": -3, "double": 0.25, "bool": True, "list": ["a", "b"], "numbers": [1, 2]},
)
root.add_event("cache miss", {"key": "k"}, timestamp=start + 7)
root.set_status(Status(StatusCode.ERROR, "failed"))
root.end(end_time=start + 1_000_001)

if not provider.force_flush():
    sys.exit("the export failed")
provider.shutdown()
print(f"{root.get_span_context().trace_id:032x}")
