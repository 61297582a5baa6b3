package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
)

func (it peer) sendLogs(ctx context.Context) error {
	exporter, err := it.logExporter(ctx)
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)),
		sdklog.WithResource(it.resource),
	)
	logger := provider.Logger("peer",
		log.WithInstrumentationVersion("1.2.3"),
		log.WithSchemaURL("https://opentelemetry.io/schemas/1.27.0"))
	emit := func(ctx context.Context, index int, severity log.Severity, text string, body attribute.Value, attributes ...attribute.KeyValue) {
		var record log.Record
		at := it.start.Add(time.Duration(index)*time.Second + 123_456_789)
		record.SetTimestamp(at)
		record.SetObservedTimestamp(at.Add(time.Second))
		record.SetSeverity(severity)
		record.SetSeverityText(text)
		record.SetBody(body)
		record.AddAttributes(attributes...)
		if index == 4 {
			record.SetEventName("peer.order.declined")
		}
		logger.Emit(ctx, record)
	}
	called := trace.ContextWithSpanContext(ctx, caller)
	emit(called, 0, log.SeverityInfo, "INFO", attribute.StringValue("order taken\nby \"ü\""),
		attribute.String("http.route", "/orders/:id"),
		attribute.Int("status", 200),
		attribute.Float64("total", 0.25),
		attribute.Bool("vip", true),
		attribute.ByteSlice("digest", []byte{251, 255, 1}),
		attribute.String("nothing", ""))
	emit(ctx, 1, log.SeverityWarn2, "WARN", attribute.MapValue(
		attribute.Slice("tags", attribute.StringValue("a"), attribute.Float64Value(2.5), attribute.BoolValue(false)),
		attribute.Map("user", attribute.Int("id", 7), attribute.String("name", "ü <b>"))))
	emit(ctx, 2, log.SeverityDebug, "DEBUG", attribute.Int64Value(-9007199254740991),
		attribute.Slice("tags", attribute.StringValue("a"), attribute.StringValue(`b"c`)),
		attribute.Map("user", attribute.Map("address", attribute.String("city", "Köln"))))
	emit(called, 3, log.SeverityTrace, "TRACE", attribute.ByteSliceValue([]byte("raw")))
	emit(called, 4, log.SeverityFatal4, "FATAL", attribute.Float64Value(1.5e-7), attribute.Int("attempt", 3))
	return provider.Shutdown(ctx)
}

func (it peer) logExporter(ctx context.Context) (sdklog.Exporter, error) {
	if it.protocol == "http" {
		return otlploghttp.New(ctx, otlploghttp.WithEndpoint(it.endpoint), otlploghttp.WithInsecure(),
			otlploghttp.WithCompression(otlploghttp.GzipCompression))
	}
	return otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(it.endpoint), otlploggrpc.WithInsecure())
}
