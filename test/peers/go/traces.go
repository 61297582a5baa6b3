package main

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func (it peer) sendTraces(ctx context.Context) error {
	exporter, err := it.spanExporter(ctx)
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(exporter),
		sdktrace.WithResource(it.resource),
	)
	tracer := provider.Tracer("peer",
		trace.WithInstrumentationVersion("1.2.3"),
		trace.WithSchemaURL("https://opentelemetry.io/schemas/1.27.0"))
	for index := range 5 {
		start := it.start.Add(time.Duration(index) * time.Second)
		_, span := tracer.Start(ctx, fmt.Sprintf("GET /orders/%d", index%2),
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithTimestamp(start),
			trace.WithLinks(trace.Link{
				SpanContext: caller,
				Attributes:  []attribute.KeyValue{attribute.String("why", "retry"), attribute.Int("try", index)},
			}),
			trace.WithAttributes(
				attribute.String("http.route", "/orders/:id"),
				attribute.Int("status", 200+index),
				attribute.Float64("total", float64(index)+0.25),
				attribute.Bool("vip", index%2 == 0),
				attribute.StringSlice("tags", []string{"a", `b"c`, "ü"}),
				attribute.IntSlice("sizes", []int{1, 2, index}),
			))
		span.AddEvent("row",
			trace.WithTimestamp(start.Add(1_000*time.Nanosecond)),
			trace.WithAttributes(attribute.Int("rows", index)))
		if index == 3 {
			span.SetStatus(codes.Error, "declined")
		}
		span.End(trace.WithTimestamp(start.Add(250_000_123 * time.Nanosecond)))
	}
	return provider.Shutdown(ctx)
}

func (it peer) spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	if it.protocol == "http" {
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(it.endpoint), otlptracehttp.WithInsecure(),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(it.endpoint), otlptracegrpc.WithInsecure())
}
