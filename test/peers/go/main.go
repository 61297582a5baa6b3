// Sends the telemetry that test/peers/send.py and send.ts send: peers http|grpc ENDPOINT SERVICE SECONDS.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// A peer sends in the name of a service, over http or grpc.
type peer struct {
	protocol string
	endpoint string
	resource *resource.Resource
	start    time.Time
}

func main() {
	startSeconds, err := strconv.ParseInt(os.Args[4], 10, 64)
	check(err)
	it := peer{
		protocol: os.Args[1],
		endpoint: os.Args[2],
		resource: resource.NewSchemaless(attribute.String("service.name", os.Args[3])),
		start:    time.Unix(startSeconds, 0),
	}
	ctx := context.Background()
	check(it.sendTraces(ctx))
	check(it.sendMetrics(ctx))
	check(it.sendLogs(ctx))
}

// Someone else's span: links lead there, log records and exemplars were taken in it.
var caller = func() trace.SpanContext {
	traceID, err := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	check(err)
	spanID, err := trace.SpanIDFromHex("b7ad6b7169203331")
	check(err)
	state, err := trace.ParseTraceState("vendor=1")
	check(err)
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    traceID,
		SpanID:     spanID,
		TraceFlags: trace.FlagsSampled,
		TraceState: state,
	})
}()

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
