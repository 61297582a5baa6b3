"""Sends the telemetry that test/peers/python.test.ts describes: send.py http|grpc ENDPOINT SERVICE SECONDS."""

import sys

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

protocol, endpoint, service, start_seconds = sys.argv[1:]

if protocol == "http":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    spans = OTLPSpanExporter(endpoint=f"http://{endpoint}/v1/traces")
    metrics = OTLPMetricExporter(endpoint=f"http://{endpoint}/v1/metrics")
else:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    spans = OTLPSpanExporter(endpoint=f"http://{endpoint}", insecure=True)
    metrics = OTLPMetricExporter(endpoint=f"http://{endpoint}", insecure=True)

resource = Resource({"service.name": service})
tracing = TracerProvider(resource=resource)
tracing.add_span_processor(SimpleSpanProcessor(spans))
tracer = tracing.get_tracer("peer", "1.2.3", schema_url="https://opentelemetry.io/schemas/1.27.0")

second = 1_000_000_000
start = int(start_seconds) * second
for index in range(5):
    at = start + index * second
    span = tracer.start_span(
        f"GET /orders/{index % 2}",
        kind=SpanKind.SERVER,
        start_time=at,
        attributes={
            "http.route": "/orders/:id",
            "status": 200 + index,
            "total": index + 0.25,
            "vip": index % 2 == 0,
            "tags": ["a", 'b"c', "ü"],
            "sizes": [1, 2, index],
        },
    )
    span.add_event("row", {"rows": index}, timestamp=at + 1_000)
    if index == 3:
        span.set_status(Status(StatusCode.ERROR, "declined"))
    span.end(end_time=at + 250_000_123)
tracing.shutdown()

metering = MeterProvider(
    resource=resource,
    metric_readers=[PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)],
)
meter = metering.get_meter("peer", "1.2.3")
counter = meter.create_counter("peer.orders", unit="{order}", description="orders taken")
open_orders = meter.create_up_down_counter("peer.open")
duration = meter.create_histogram("peer.duration", unit="ms")
for index in range(20):
    counter.add(index, {"payment": "card" if index % 2 else "cash"})
    open_orders.add(-1.5 if index % 2 else 1.0)
    duration.record(index * 33.25, {"http.route": "/pay"})
metering.shutdown()
