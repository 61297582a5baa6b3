package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"
)

func (it peer) sendMetrics(ctx context.Context) error {
	exporter, err := it.metricExporter(ctx)
	if err != nil {
		return err
	}
	provider := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Hour))),
		sdkmetric.WithResource(it.resource),
		sdkmetric.WithView(
			sdkmetric.NewView(
				sdkmetric.Instrument{Name: "peer.sizes"},
				sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}},
			),
			sdkmetric.NewView(
				sdkmetric.Instrument{Name: "peer.duration"},
				sdkmetric.Stream{AttributeFilter: attribute.NewAllowKeysFilter("http.route")},
			),
		),
	)
	meter := provider.Meter("peer", metric.WithInstrumentationVersion("1.2.3"))
	orders, err := meter.Int64Counter("peer.orders", metric.WithUnit("{order}"), metric.WithDescription("orders taken"))
	check(err)
	open, err := meter.Float64UpDownCounter("peer.open")
	check(err)
	temperature, err := meter.Float64Gauge("peer.temperature", metric.WithUnit("Cel"))
	check(err)
	duration, err := meter.Float64Histogram("peer.duration", metric.WithUnit("ms"))
	check(err)
	sizes, err := meter.Float64Histogram("peer.sizes", metric.WithUnit("By"))
	check(err)
	called := trace.ContextWithSpanContext(ctx, caller)
	for index := range 20 {
		payment, change := "cash", 1.0
		if index%2 == 1 {
			payment, change = "card", -1.5
		}
		orders.Add(ctx, int64(index), metric.WithAttributes(attribute.String("payment", payment)))
		open.Add(ctx, change)
		duration.Record(called, float64(index)*33.25,
			metric.WithAttributes(attribute.String("http.route", "/pay"), attribute.String("user", "u1")))
		sizes.Record(ctx, float64(index*index)*0.5, metric.WithAttributes(attribute.Bool("packed", true)))
	}
	temperature.Record(ctx, 4, metric.WithAttributes(attribute.String("room", "cellar")))
	temperature.Record(ctx, -3.5, metric.WithAttributes(attribute.String("room", "cellar")))
	temperature.Record(ctx, 21.25, metric.WithAttributes(attribute.Int("room", 2)))
	return provider.Shutdown(ctx)
}

func (it peer) metricExporter(ctx context.Context) (sdkmetric.Exporter, error) {
	if it.protocol == "http" {
		return otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(it.endpoint), otlpmetrichttp.WithInsecure(),
			otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	}
	return otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(it.endpoint), otlpmetricgrpc.WithInsecure())
}
