CREATE VIEW IF NOT EXISTS `otel`.`metric_gains` ON CLUSTER `main`
AS SELECT
    Time, ServiceName, MetricName, SeriesId, MetricUnit AS unit, seconds,
    Sum / Points AS level, Last AS last, Max AS highest,
    MetricType IN ('gauge', 'sum') AS isCounted,
    Increase + multiIf(Gap = 'whole', First, Gap = 'difference', First - Before, 0) AS gained,
    Count + multiIf(Gap = 'whole', FirstCount, Gap = 'difference', FirstCount - BeforeCount, 0) AS counted,
    Sum + multiIf(Gap = 'whole', FirstSum, Gap = 'difference', FirstSum - BeforeSum, 0) AS summed
FROM
(
    SELECT *, multiIf(
        Temporality != 'cumulative' OR BeforeTime = Time, 'nothing',
        BeforeAt = toDateTime64(0, 9), if(FirstStart >= {from:DateTime('UTC')} AND FirstStart < FirstAt, 'whole', 'nothing'),
        (FirstStart > BeforeStart AND FirstStart >= BeforeAt AND FirstStart < FirstAt)
            OR (MetricType = 'sum' AND IsMonotonic AND First < Before) OR FirstCount < BeforeCount, 'whole',
        'difference') AS Gap
    FROM
    (
        SELECT *, lagInFrame(Time) OVER w AS BeforeTime, lagInFrame(LastAt) OVER w AS BeforeAt, lagInFrame(LastStart) OVER w AS BeforeStart,
            lagInFrame(Last) OVER w AS Before, lagInFrame(LastCount) OVER w AS BeforeCount, lagInFrame(LastSum) OVER w AS BeforeSum
        FROM
        (
            SELECT ServiceName, MetricName, Time, SeriesId, MetricType, Temporality, IsMonotonic, MetricUnit, Points, Sum, Max, FirstAt, FirstStart, First, LastAt, LastStart, Last,
                Increase, Count, FirstCount, FirstSum, LastCount, LastSum, 60 AS seconds
            FROM `otel`.`metric_rollup_1m`
            WHERE MetricName IN {metrics:Array(String)}
                AND Time >= {from:DateTime('UTC')} - INTERVAL 5 MINUTE AND Time < if({tier:String} = '1m', {to:DateTime('UTC')}, toDateTime(0, 'UTC'))
            UNION ALL
            SELECT ServiceName, MetricName, Time, SeriesId, MetricType, Temporality, IsMonotonic, MetricUnit, Points, Sum, Max, FirstAt, FirstStart, First, LastAt, LastStart, Last,
                Increase, Count, FirstCount, FirstSum, LastCount, LastSum, 3600 AS seconds
            FROM `otel`.`metric_rollup_1h`
            WHERE MetricName IN {metrics:Array(String)}
                AND Time >= {from:DateTime('UTC')} - INTERVAL 1 HOUR AND Time < if({tier:String} = '1h', {to:DateTime('UTC')}, toDateTime(0, 'UTC'))
            UNION ALL
            SELECT ServiceName, MetricName, Time, SeriesId, MetricType, Temporality, IsMonotonic, MetricUnit, Points, Sum, Max, FirstAt, FirstStart, First, LastAt, LastStart, Last,
                Increase, Count, FirstCount, FirstSum, LastCount, LastSum, 86400 AS seconds
            FROM `otel`.`metric_rollup_1d`
            WHERE MetricName IN {metrics:Array(String)}
                AND Time >= {from:DateTime('UTC')} - INTERVAL 1 DAY AND Time < if({tier:String} = '1d', {to:DateTime('UTC')}, toDateTime(0, 'UTC'))
        )
        WHERE Points > 0 AND (Time >= {from:DateTime('UTC')} OR LastAt >= toDateTime64({from:DateTime('UTC')}, 9) - INTERVAL 5 MINUTE)
        WINDOW w AS (PARTITION BY ServiceName, SeriesId, MetricType, Temporality, IsMonotonic ORDER BY FirstAt, LastAt ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
)
WHERE Time >= {from:DateTime('UTC')}
COMMENT 'For the views system_metrics, runtime_metrics and queue_metrics';

CREATE VIEW IF NOT EXISTS `otel`.`system_metrics` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, hour or day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who reports',
    host String COMMENT 'Resource attribute host.name, else k8s.node.name, host.id or service.instance.id',
    cpu_utilization Nullable(Float64) COMMENT 'Share of processor time that was neither idle nor waiting for input and output, over all processors, 0 to 1',
    cpus Nullable(Float64) COMMENT 'Logical processors, count',
    load_1m Nullable(Float64) COMMENT 'Mean load over one minute, tasks that run or want to, count',
    memory_used Nullable(Float64) COMMENT 'Memory in use, without buffers and caches, bytes',
    memory_total Nullable(Float64) COMMENT 'Memory there is, bytes',
    memory_utilization Nullable(Float64) COMMENT 'Share of memory in use, 0 to 1',
    swap_used Nullable(Float64) COMMENT 'Swap space in use, bytes',
    major_faults_per_second Nullable(Float64) COMMENT 'Page faults that had to read from disk, count per second',
    disk_read Nullable(Float64) COMMENT 'Read from disks, bytes per second',
    disk_written Nullable(Float64) COMMENT 'Written to disks, bytes per second',
    disk_operations Nullable(Float64) COMMENT 'Reads and writes of disks, count per second',
    disk_busy Nullable(Float64) COMMENT 'Share of time in which the busiest disk worked, 0 to 1',
    filesystem_utilization Nullable(Float64) COMMENT 'Share of the fullest file system in use, of what may be used, 0 to 1',
    fullest_filesystem String COMMENT 'Where the fullest file system is mounted',
    network_received Nullable(Float64) COMMENT 'Received from the network, bytes per second',
    network_sent Nullable(Float64) COMMENT 'Sent to the network, bytes per second',
    network_errors Nullable(Float64) COMMENT 'Network errors, count per second',
    network_dropped Nullable(Float64) COMMENT 'Packets that were dropped, count per second',
    connections Nullable(Float64) COMMENT 'Network connections, count',
    processes Nullable(Float64) COMMENT 'Processes, count'
)
AS SELECT
    it.Time AS Time,
    it.ServiceName AS ServiceName,
    it.host AS host,
    ifNull(1 - sumOrNullIf(it.gained, it.MetricName = 'system.cpu.time' AND it.state IN ('idle', 'wait', 'iowait')) / nullIf(sumOrNullIf(it.gained, it.MetricName = 'system.cpu.time'), 0),
        1 - avgOrNullIf(it.level, it.MetricName = 'system.cpu.utilization' AND it.state = 'idle') - ifNull(avgOrNullIf(it.level, it.MetricName = 'system.cpu.utilization' AND it.state IN ('wait', 'iowait')), 0)) AS cpu_utilization,
    ifNull(maxOrNullIf(it.level, it.MetricName = 'system.cpu.logical.count'), nullIf(toFloat64(uniqExactIf(it.cpu, it.MetricName IN ('system.cpu.time', 'system.cpu.utilization') AND it.cpu != '')), 0)) AS cpus,
    avgOrNullIf(it.level, it.MetricName IN ('system.cpu.load_average.1m', 'system.linux.cpu.load_1m')) AS load_1m,
    sumOrNullIf(it.level, it.MetricName = 'system.memory.usage' AND it.state = 'used') AS memory_used,
    ifNull(maxOrNullIf(it.level, it.MetricName = 'system.memory.limit'),
        sumOrNullIf(it.level, it.MetricName = 'system.memory.usage' AND it.state IN ('used', 'free', 'buffered', 'buffers', 'cached', 'inactive'))) AS memory_total,
    ifNull(memory_used / nullIf(memory_total, 0), maxOrNullIf(it.level, it.MetricName = 'system.memory.utilization' AND it.state = 'used')) AS memory_utilization,
    sumOrNullIf(it.level, it.MetricName = 'system.paging.usage' AND it.state = 'used') AS swap_used,
    sumOrNullIf(it.gained, it.MetricName = 'system.paging.faults' AND it.kind = 'major') / any(it.seconds) AS major_faults_per_second,
    sumOrNullIf(it.gained, it.MetricName = 'system.disk.io' AND it.direction = 'read') / any(it.seconds) AS disk_read,
    sumOrNullIf(it.gained, it.MetricName = 'system.disk.io' AND it.direction = 'write') / any(it.seconds) AS disk_written,
    sumOrNullIf(it.gained, it.MetricName = 'system.disk.operations') / any(it.seconds) AS disk_operations,
    maxOrNullIf(it.gained / it.seconds, it.MetricName = 'system.disk.io_time') AS disk_busy,
    ifNull(if(empty(used_by), NULL, arrayMax(arrayMap((used, free) -> used / greatest(used + free, 1),
        mapValues(sumMapIf(map(it.mountpoint, it.level * (it.state = 'used')), it.MetricName = 'system.filesystem.usage' AND it.state IN ('used', 'free')) AS used_by),
        mapValues(sumMapIf(map(it.mountpoint, it.level * (it.state = 'free')), it.MetricName = 'system.filesystem.usage' AND it.state IN ('used', 'free')) AS free_by)))),
        maxOrNullIf(it.level, it.MetricName = 'system.filesystem.utilization')) AS filesystem_utilization,
    if(empty(used_by), argMaxIf(it.mountpoint, it.level, it.MetricName = 'system.filesystem.utilization'), arraySort((place, used, free) -> -used / greatest(used + free, 1), mapKeys(used_by), mapValues(used_by), mapValues(free_by))[1]) AS fullest_filesystem,
    sumOrNullIf(it.gained, it.MetricName = 'system.network.io' AND it.direction = 'receive') / any(it.seconds) AS network_received,
    sumOrNullIf(it.gained, it.MetricName = 'system.network.io' AND it.direction = 'transmit') / any(it.seconds) AS network_sent,
    sumOrNullIf(it.gained, it.MetricName = 'system.network.errors') / any(it.seconds) AS network_errors,
    sumOrNullIf(it.gained, it.MetricName IN ('system.network.dropped', 'system.network.packet.dropped')) / any(it.seconds) AS network_dropped,
    sumOrNullIf(it.level, it.MetricName IN ('system.network.connections', 'system.network.connection.count')) AS connections,
    sumOrNullIf(it.level, it.MetricName IN ('system.processes.count', 'system.process.count')) AS processes
FROM (
    SELECT g.*, arrayFirst(x -> x != '', [s.shared['host.name'], s.shared['k8s.node.name'], s.shared['host.id'], s.shared['service.instance.id']]) AS host,
        arrayFirst(x -> x != '', [s.own['state'], s.own['cpu.mode'], s.own['system.cpu.state'], s.own['system.memory.state'], s.own['system.paging.state'], s.own['system.filesystem.state']]) AS state,
        arrayFirst(x -> x != '', [s.own['direction'], s.own['disk.io.direction'], s.own['network.io.direction'], s.own['system.disk.direction'], s.own['system.network.direction']]) AS direction,
        arrayFirst(x -> x != '', [s.own['mountpoint'], s.own['system.filesystem.mountpoint']]) AS mountpoint,
        arrayFirst(x -> x != '', [s.own['type'], s.own['system.paging.type'], s.own['system.paging.fault.type']]) AS kind,
        arrayFirst(x -> x != '', [s.own['cpu'], s.own['cpu.logical_number'], s.own['system.cpu.logical_number']]) AS cpu
    FROM `otel`.`metric_gains`(metrics = [
        'system.cpu.time', 'system.cpu.utilization', 'system.cpu.logical.count',
        'system.cpu.load_average.1m', 'system.linux.cpu.load_1m', 'system.memory.usage',
        'system.memory.limit', 'system.memory.utilization', 'system.paging.usage', 'system.paging.faults',
        'system.disk.io', 'system.disk.operations', 'system.disk.io_time', 'system.filesystem.usage',
        'system.filesystem.utilization', 'system.network.io', 'system.network.errors',
        'system.network.dropped', 'system.network.packet.dropped', 'system.network.connections',
        'system.network.connection.count', 'system.processes.count', 'system.process.count'], tier = {tier:String}, from = {from:DateTime('UTC')}, to = {to:DateTime('UTC')}) AS g
    LEFT JOIN (
        SELECT SeriesId, any(Attributes) AS own, any(ResourceAttributes) AS shared
        FROM `otel`.`metric_series`
        WHERE MetricName IN (
            'system.cpu.time', 'system.cpu.utilization', 'system.cpu.logical.count',
            'system.cpu.load_average.1m', 'system.linux.cpu.load_1m', 'system.memory.usage',
            'system.memory.limit', 'system.memory.utilization', 'system.paging.usage', 'system.paging.faults',
            'system.disk.io', 'system.disk.operations', 'system.disk.io_time', 'system.filesystem.usage',
            'system.filesystem.utilization', 'system.network.io', 'system.network.errors',
            'system.network.dropped', 'system.network.packet.dropped', 'system.network.connections',
            'system.network.connection.count', 'system.processes.count', 'system.process.count')
        GROUP BY SeriesId
    ) AS s ON s.SeriesId = g.SeriesId
) AS it
GROUP BY it.Time, it.ServiceName, it.host
COMMENT 'Machines: processors, memory, disks, file systems and network. system_metrics(tier, from, to)';

CREATE VIEW IF NOT EXISTS `otel`.`runtime_metrics` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, hour or day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    instance String COMMENT 'Resource attribute service.instance.id, else k8s.pod.name, else host.name and process.pid',
    runtime String COMMENT 'jvm, nodejs, go, python, dotnet, or process when only the process is known',
    cpu_cores Nullable(Float64) COMMENT 'Processors kept busy, count: processor time per second',
    cpu_utilization Nullable(Float64) COMMENT 'Share of all processors that the process used lately as the runtime tells it, 0 to 1',
    memory_used Nullable(Float64) COMMENT 'Physical memory of the process, bytes',
    heap_used Nullable(Float64) COMMENT 'Memory that the runtime manages and has in use (JVM: heap, Go: all), bytes',
    heap_limit Nullable(Float64) COMMENT 'How large that may become, bytes',
    heap_utilization Nullable(Float64) COMMENT 'Share of the limit in use, 0 to 1',
    allocated Nullable(Float64) COMMENT 'Memory that was asked for, bytes per second',
    collections Nullable(Float64) COMMENT 'Garbage collections, count per second',
    gc_time Nullable(Float64) COMMENT 'Share of time spent in garbage collections, 0 to 1; more where several collect at once',
    threads Nullable(Float64) COMMENT 'Threads, of .NET those of the thread pool when no others are told, count',
    goroutines Nullable(Float64) COMMENT 'Goroutines, count',
    open_files Nullable(Float64) COMMENT 'Open file descriptors, count',
    event_loop_delay_p99 Nullable(Float64) COMMENT 'Delay of the event loop that 99 % of its turns do not exceed, the worst reported, seconds',
    event_loop_utilization Nullable(Float64) COMMENT 'Share of time in which the event loop was busy, 0 to 1',
    pool_queue Nullable(Float64) COMMENT 'Work items that wait for a thread of the pool, mean count'
)
AS SELECT
    it.Time AS Time,
    it.ServiceName AS ServiceName,
    it.instance AS instance,
    ifNull(maxOrNullIf(it.runtime, it.runtime != 'process'), 'process') AS runtime,
    coalesce(sumOrNullIf(it.gained, it.MetricName = 'process.cpu.time') / any(it.seconds),
        sumOrNullIf(it.gained, it.MetricName = 'jvm.cpu.time') / any(it.seconds),
        sumOrNullIf(it.gained, it.MetricName = 'dotnet.process.cpu.time') / any(it.seconds),
        sumOrNullIf(it.gained, it.MetricName = 'process.runtime.cpython.cpu_time') / any(it.seconds)) AS cpu_cores,
    avgOrNullIf(it.level, it.MetricName IN ('jvm.cpu.recent_utilization', 'process.runtime.jvm.cpu.utilization')) AS cpu_utilization,
    coalesce(sumOrNullIf(it.level, it.MetricName IN ('process.memory.usage', 'process.memory.physical_usage')),
        sumOrNullIf(it.level, it.MetricName = 'dotnet.process.memory.working_set'),
        sumOrNullIf(it.level, it.MetricName = 'process.runtime.cpython.memory' AND it.kind = 'rss')) AS memory_used,
    sumOrNullIf(it.level, (it.MetricName IN ('v8js.memory.heap.used', 'process.runtime.go.mem.heap_alloc', 'process.runtime.dotnet.gc.heap.size', 'dotnet.gc.last_collection.heap.size', 'go.memory.used')
        OR (it.MetricName IN ('jvm.memory.used', 'process.runtime.jvm.memory.usage') AND it.kind = 'heap'))) AS heap_used,
    sumOrNullIf(it.level, (it.MetricName IN ('v8js.memory.heap.limit', 'go.memory.limit')
        OR (it.MetricName IN ('jvm.memory.limit', 'process.runtime.jvm.memory.limit') AND it.kind = 'heap')) AND it.level > 0) AS heap_limit,
    heap_used / nullIf(heap_limit, 0) AS heap_utilization,
    sumOrNullIf(it.gained, it.MetricName IN ('go.memory.allocated', 'dotnet.gc.heap.total_allocated', 'process.runtime.dotnet.gc.allocations.size')) / any(it.seconds) AS allocated,
    sumOrNullIf(if(it.isCounted, it.gained, it.counted), it.MetricName IN ('jvm.gc.duration', 'process.runtime.jvm.gc.duration', 'v8js.gc.duration', 'process.runtime.go.gc.count', 'cpython.gc.collections', 'process.runtime.cpython.gc_count', 'dotnet.gc.collections', 'process.runtime.dotnet.gc.collections.count')) / any(it.seconds) AS collections,
    sumOrNullIf(if(it.isCounted, it.gained, it.summed) * it.inSeconds, it.MetricName IN ('jvm.gc.duration', 'process.runtime.jvm.gc.duration', 'v8js.gc.duration', 'dotnet.gc.pause.time', 'process.runtime.dotnet.gc.duration', 'process.runtime.go.gc.pause_total_ns')) / any(it.seconds) AS gc_time,
    coalesce(sumOrNullIf(it.level, it.MetricName IN ('jvm.thread.count', 'process.runtime.jvm.threads.count')),
        sumOrNullIf(it.level, it.MetricName IN ('process.thread.count', 'process.threads')),
        sumOrNullIf(it.level, it.MetricName = 'process.runtime.cpython.thread_count'),
        sumOrNullIf(it.level, it.MetricName IN ('dotnet.thread_pool.thread.count', 'process.runtime.dotnet.thread_pool.threads.count'))) AS threads,
    sumOrNullIf(it.level, it.MetricName IN ('go.goroutine.count', 'process.runtime.go.goroutines')) AS goroutines,
    sumOrNullIf(it.level, it.MetricName IN ('process.unix.file_descriptor.count', 'process.open_file_descriptor.count', 'process.open_file_descriptors')) AS open_files,
    maxOrNullIf(it.highest * it.inSeconds, it.MetricName = 'nodejs.eventloop.delay.p99') AS event_loop_delay_p99,
    avgOrNullIf(it.level, it.MetricName IN ('nodejs.eventloop.utilization', 'nodejs.event_loop.utilization')) AS event_loop_utilization,
    sumOrNullIf(it.level, it.MetricName IN ('dotnet.thread_pool.queue.length', 'process.runtime.dotnet.thread_pool.queue.length')) AS pool_queue
FROM (
    SELECT g.*, arrayFirst(x -> x != '', [s.shared['service.instance.id'], s.shared['k8s.pod.name'], trim(BOTH ':' FROM concatWithSeparator(':', s.shared['host.name'], s.shared['process.pid']))]) AS instance,
        multiIf(match(g.MetricName, '^(process[.]runtime[.])?jvm[.]'), 'jvm', match(g.MetricName, '^(nodejs|v8js)[.]'), 'nodejs',
            match(g.MetricName, '^(process[.]runtime[.])?go[.]'), 'go', match(g.MetricName, '^(process[.]runtime[.])?cpython[.]'), 'python',
            match(g.MetricName, '^(process[.]runtime[.])?dotnet[.]'), 'dotnet', 'process') AS runtime,
        arrayFirst(x -> x != '', [s.own['jvm.memory.type'], s.own['type']]) AS kind,
        transform(g.unit, ['ms', 'us', 'ns'], [1e-3, 1e-6, 1e-9], 1.) AS inSeconds
    FROM `otel`.`metric_gains`(metrics = [
        'process.cpu.time', 'process.memory.usage', 'process.memory.physical_usage', 'process.threads',
        'process.thread.count', 'process.open_file_descriptors', 'process.open_file_descriptor.count',
        'process.unix.file_descriptor.count', 'jvm.cpu.time', 'jvm.cpu.recent_utilization',
        'jvm.memory.used', 'jvm.memory.limit', 'jvm.gc.duration', 'jvm.thread.count',
        'process.runtime.jvm.cpu.utilization', 'process.runtime.jvm.memory.usage',
        'process.runtime.jvm.memory.limit', 'process.runtime.jvm.gc.duration',
        'process.runtime.jvm.threads.count', 'nodejs.eventloop.delay.p99', 'nodejs.eventloop.utilization',
        'nodejs.event_loop.utilization', 'v8js.memory.heap.used', 'v8js.memory.heap.limit',
        'v8js.gc.duration', 'go.memory.used', 'go.memory.limit', 'go.memory.allocated',
        'go.goroutine.count', 'process.runtime.go.mem.heap_alloc', 'process.runtime.go.goroutines',
        'process.runtime.go.gc.count', 'process.runtime.go.gc.pause_total_ns', 'cpython.gc.collections',
        'process.runtime.cpython.cpu_time', 'process.runtime.cpython.memory',
        'process.runtime.cpython.thread_count', 'process.runtime.cpython.gc_count',
        'dotnet.process.cpu.time', 'dotnet.process.memory.working_set',
        'dotnet.gc.last_collection.heap.size', 'dotnet.gc.heap.total_allocated', 'dotnet.gc.collections',
        'dotnet.gc.pause.time', 'dotnet.thread_pool.thread.count', 'dotnet.thread_pool.queue.length',
        'process.runtime.dotnet.gc.heap.size', 'process.runtime.dotnet.gc.allocations.size',
        'process.runtime.dotnet.gc.collections.count', 'process.runtime.dotnet.gc.duration',
        'process.runtime.dotnet.thread_pool.threads.count',
        'process.runtime.dotnet.thread_pool.queue.length'], tier = {tier:String}, from = {from:DateTime('UTC')}, to = {to:DateTime('UTC')}) AS g
    LEFT JOIN (
        SELECT SeriesId, any(Attributes) AS own, any(ResourceAttributes) AS shared
        FROM `otel`.`metric_series`
        WHERE MetricName IN (
            'process.cpu.time', 'process.memory.usage', 'process.memory.physical_usage', 'process.threads',
            'process.thread.count', 'process.open_file_descriptors', 'process.open_file_descriptor.count',
            'process.unix.file_descriptor.count', 'jvm.cpu.time', 'jvm.cpu.recent_utilization',
            'jvm.memory.used', 'jvm.memory.limit', 'jvm.gc.duration', 'jvm.thread.count',
            'process.runtime.jvm.cpu.utilization', 'process.runtime.jvm.memory.usage',
            'process.runtime.jvm.memory.limit', 'process.runtime.jvm.gc.duration',
            'process.runtime.jvm.threads.count', 'nodejs.eventloop.delay.p99', 'nodejs.eventloop.utilization',
            'nodejs.event_loop.utilization', 'v8js.memory.heap.used', 'v8js.memory.heap.limit',
            'v8js.gc.duration', 'go.memory.used', 'go.memory.limit', 'go.memory.allocated',
            'go.goroutine.count', 'process.runtime.go.mem.heap_alloc', 'process.runtime.go.goroutines',
            'process.runtime.go.gc.count', 'process.runtime.go.gc.pause_total_ns', 'cpython.gc.collections',
            'process.runtime.cpython.cpu_time', 'process.runtime.cpython.memory',
            'process.runtime.cpython.thread_count', 'process.runtime.cpython.gc_count',
            'dotnet.process.cpu.time', 'dotnet.process.memory.working_set',
            'dotnet.gc.last_collection.heap.size', 'dotnet.gc.heap.total_allocated', 'dotnet.gc.collections',
            'dotnet.gc.pause.time', 'dotnet.thread_pool.thread.count', 'dotnet.thread_pool.queue.length',
            'process.runtime.dotnet.gc.heap.size', 'process.runtime.dotnet.gc.allocations.size',
            'process.runtime.dotnet.gc.collections.count', 'process.runtime.dotnet.gc.duration',
            'process.runtime.dotnet.thread_pool.threads.count',
            'process.runtime.dotnet.thread_pool.queue.length')
        GROUP BY SeriesId
    ) AS s ON s.SeriesId = g.SeriesId
) AS it
GROUP BY it.Time, it.ServiceName, it.instance
COMMENT 'Processes and their runtimes: processor, memory, garbage collection, threads. runtime_metrics(tier, from, to)';

CREATE VIEW IF NOT EXISTS `otel`.`queue_metrics` ON CLUSTER `main`
(
    Time DateTime('UTC') COMMENT 'Start of the minute, hour or day, UTC',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name of who reports',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    queue String COMMENT 'What the attributes of the point say of the queue, by name',
    depth_avg Float64 COMMENT 'Mean of what waits, count',
    depth_max Float64 COMMENT 'Most that waited, count; the sum of these over instances',
    depth_last Float64 COMMENT 'What waits at the end, count'
)
AS SELECT
    it.Time AS Time,
    it.ServiceName AS ServiceName,
    it.MetricName AS MetricName,
    it.queue AS queue,
    sum(it.level) AS depth_avg,
    sum(ifNull(it.highest, it.level)) AS depth_max,
    sum(it.last) AS depth_last
FROM (
    SELECT g.*, arrayStringConcat(arrayMap((k, v) -> concat(k, '=', v), mapKeys(mapSort(s.own)), mapValues(mapSort(s.own))), ' ') AS queue
    FROM `otel`.`metric_gains`(metrics = [
        'rabbitmq.message.current', 'kafka.consumer_group.lag', 'kafka.consumer_group.lag_sum',
        'kafka.consumer.records_lag', 'activemq.message.current',
        'aws.sqs.approximate_number_of_messages_visible', 'executor.queued', 'jvm.executor.queue.size',
        'dotnet.thread_pool.queue.length', 'process.runtime.dotnet.thread_pool.queue.length',
        'db.client.connection.pending_requests', 'db.client.connections.pending_requests',
        'otelcol_exporter_queue_size', 'kestrel.queued_connections', 'kestrel.queued_requests',
        'nginx.connections_waiting', 'celery.queue.length', 'bullmq.queue.waiting', 'bullmq.jobs.waiting'], tier = {tier:String}, from = {from:DateTime('UTC')}, to = {to:DateTime('UTC')}) AS g
    LEFT JOIN (
        SELECT SeriesId, any(Attributes) AS own, any(ResourceAttributes) AS shared
        FROM `otel`.`metric_series`
        WHERE MetricName IN (
            'rabbitmq.message.current', 'kafka.consumer_group.lag', 'kafka.consumer_group.lag_sum',
            'kafka.consumer.records_lag', 'activemq.message.current',
            'aws.sqs.approximate_number_of_messages_visible', 'executor.queued', 'jvm.executor.queue.size',
            'dotnet.thread_pool.queue.length', 'process.runtime.dotnet.thread_pool.queue.length',
            'db.client.connection.pending_requests', 'db.client.connections.pending_requests',
            'otelcol_exporter_queue_size', 'kestrel.queued_connections', 'kestrel.queued_requests',
            'nginx.connections_waiting', 'celery.queue.length', 'bullmq.queue.waiting', 'bullmq.jobs.waiting')
        GROUP BY SeriesId
    ) AS s ON s.SeriesId = g.SeriesId
) AS it
GROUP BY it.Time, it.ServiceName, it.MetricName, it.queue
COMMENT 'What waits in queues, by queue. queue_metrics(tier, from, to)';
