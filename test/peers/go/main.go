// Sends the telemetry that test/peers/send.py and send.ts send: go run . http|grpc ENDPOINT SERVICE SECONDS.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	protocol, endpoint, service := os.Args[1], os.Args[2], os.Args[3]
	startSeconds, err := strconv.ParseInt(os.Args[4], 10, 64)
	check(err)
	ctx := context.Background()
	exporter, err := exporterFor(ctx, protocol, endpoint)
	check(err)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	tracer := provider.Tracer("peer",
		trace.WithInstrumentationVersion("1.2.3"),
		trace.WithSchemaURL("https://opentelemetry.io/schemas/1.27.0"))
	for index := range 5 {
		start := time.Unix(startSeconds+int64(index), 0)
		_, span := tracer.Start(ctx, fmt.Sprintf("GET /orders/%d", index%2),
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithTimestamp(start),
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
	check(provider.Shutdown(ctx))
}

func exporterFor(ctx context.Context, protocol, endpoint string) (sdktrace.SpanExporter, error) {
	if protocol == "http" {
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure(),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
