"""Logging handlers of Python, as an application uses them.

Usage: logs_clients.py loki|otlp-http|otlp-grpc ENDPOINT SERVICE
Logs an info, a warning with attributes and an error with an exception.
"""

import logging
import sys

client, endpoint, service = sys.argv[1:]

if client == "loki":
    import logging_loki

    handler = logging_loki.LokiHandler(url=endpoint, tags={"service": service}, version="1")
    finish = handler.close
else:
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    if client == "otlp-http":
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

        exporter = OTLPLogExporter(endpoint=endpoint)
    else:
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        exporter = OTLPLogExporter(endpoint=endpoint, insecure=True)
    resource = Resource.create({"service.name": service, "zone": "z1"})
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    handler = LoggingHandler(logger_provider=provider)
    finish = provider.shutdown

logger = logging.getLogger("shop")
logger.setLevel(logging.DEBUG)
logger.addHandler(handler)
logger.info("order placed")
extra = {"tags": {"order": "o-1"}} if client == "loki" else {"order": "o-1"}
logger.warning("stock is low: %d left", 3, extra=extra)
try:
    raise ValueError("no such card")
except ValueError:
    logger.exception("payment failed")
finish()
