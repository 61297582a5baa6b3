"""Sends the telemetry that test/peers/send.ts sends: send.py http|grpc ENDPOINT SERVICE SECONDS."""

import sys

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

protocol, endpoint, service, start_seconds = sys.argv[1:]

if protocol == "http":
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    spans = OTLPSpanExporter(endpoint=f"http://{endpoint}/v1/traces")
    metrics = OTLPMetricExporter(endpoint=f"http://{endpoint}/v1/metrics")
    logs = OTLPLogExporter(endpoint=f"http://{endpoint}/v1/logs")
else:
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    spans = OTLPSpanExporter(endpoint=f"http://{endpoint}", insecure=True)
    metrics = OTLPMetricExporter(endpoint=f"http://{endpoint}", insecure=True)
    logs = OTLPLogExporter(endpoint=f"http://{endpoint}", insecure=True)

resource = Resource({"service.name": service})
schema_url = "https://opentelemetry.io/schemas/1.27.0"
second = 1_000_000_000
start = int(start_seconds) * second

# Someone else's span: links lead there, log records and exemplars were taken in it.
caller = SpanContext(
    trace_id=0x0AF7651916CD43DD8448EB211C80319C,
    span_id=0xB7AD6B7169203331,
    is_remote=False,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
    trace_state=TraceState([("vendor", "1")]),
)
called = set_span_in_context(NonRecordingSpan(caller), Context())


def send_traces() -> None:
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    tracer = tracing.get_tracer("peer", "1.2.3", schema_url=schema_url)
    for index in range(5):
        at = start + index * second
        span = tracer.start_span(
            f"GET /orders/{index % 2}",
            kind=SpanKind.SERVER,
            start_time=at,
            links=[Link(caller, {"why": "retry", "try": index})],
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


def send_metrics() -> None:
    metering = MeterProvider(
        resource=resource,
        metric_readers=[PeriodicExportingMetricReader(metrics, export_interval_millis=3_600_000)],
        views=[
            View(
                instrument_type=Histogram,
                instrument_name="peer.sizes",
                aggregation=ExponentialBucketHistogramAggregation(max_size=160, max_scale=20),
            ),
            View(instrument_name="peer.duration", attribute_keys={"http.route"}),
        ],
    )
    meter = metering.get_meter("peer", "1.2.3")
    orders = meter.create_counter("peer.orders", unit="{order}", description="orders taken")
    open_orders = meter.create_up_down_counter("peer.open")
    temperature = meter.create_gauge("peer.temperature", unit="Cel")
    duration = meter.create_histogram("peer.duration", unit="ms")
    sizes = meter.create_histogram("peer.sizes", unit="By")
    for index in range(20):
        orders.add(index, {"payment": "card" if index % 2 else "cash"})
        open_orders.add(-1.5 if index % 2 else 1.0)
        duration.record(index * 33.25, {"http.route": "/pay", "user": "u1"}, context=called)
        sizes.record(index * index * 0.5, {"packed": True})
    temperature.set(4.0, {"room": "cellar"})
    temperature.set(-3.5, {"room": "cellar"})
    temperature.set(21.25, {"room": 2})
    metering.shutdown()


def send_logs() -> None:
    logging = LoggerProvider(resource=resource)
    logging.add_log_record_processor(BatchLogRecordProcessor(logs))
    logger = logging.get_logger("peer", "1.2.3", schema_url)

    def emit(index, context, severity, text, body, attributes=None, event_name=None) -> None:
        at = start + index * second + 123_456_789
        logger.emit(
            LogRecord(
                timestamp=at,
                observed_timestamp=at + second,
                context=context,
                severity_number=severity,
                severity_text=text,
                body=body,
                attributes=attributes,
                event_name=event_name,
            )
        )

    emit(
        0,
        called,
        SeverityNumber.INFO,
        "INFO",
        'order taken\nby "ü"',
        {
            "http.route": "/orders/:id",
            "status": 200,
            "total": 0.25,
            "vip": True,
            "digest": bytes([251, 255, 1]),
            "nothing": "",
        },
    )
    emit(
        1,
        Context(),
        SeverityNumber.WARN2,
        "WARN",
        {"tags": ["a", 2.5, False], "user": {"id": 7, "name": "ü <b>"}},
    )
    emit(
        2,
        Context(),
        SeverityNumber.DEBUG,
        "DEBUG",
        -9007199254740991,
        {"tags": ["a", 'b"c'], "user": {"address": {"city": "Köln"}}},
    )
    emit(3, called, SeverityNumber.TRACE, "TRACE", b"raw")
    emit(4, called, SeverityNumber.FATAL4, "FATAL", 1.5e-7, {"attempt": 3}, "peer.order.declined")
    logging.shutdown()


send_traces()
send_metrics()
send_logs()
