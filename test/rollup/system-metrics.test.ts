import t from 'tap';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { computeMetrics, type Measured, storePoints } from './measured.ts';

const server = await startClickHouse(t);
const ask = { timeoutMs: 20_000 };
const store = openStore(t, server);
await migrate(store, migrateOptions);

const cumulative = { AggregationTemporality: 2, IsMonotonic: true };
const level = { AggregationTemporality: 2, IsMonotonic: false };

/** A cumulative counter at 9:59:50 and at 10:00:50: it gains between two minutes. */
const gains = (
  metric: string,
  attributes: Readonly<Record<string, string>>,
  [from, to]: readonly [number, number],
  more: Partial<Measured> = {},
): readonly Measured[] =>
  (
    [
      ['09:59:50', from],
      ['10:00:50', to],
    ] as const
  ).map(([at, Value]) => ({
    at,
    start: '08:00:00',
    metric,
    attributes,
    columns: { ...cumulative, Value },
    ...more,
  }));

/** Levels at 10:00:10 and on, ten seconds apart. */
const levels = (
  metric: string,
  attributes: Readonly<Record<string, string>>,
  values: readonly number[],
  more: Partial<Measured> = {},
): readonly Measured[] =>
  values.map((Value, i) => ({
    at: `10:00:${i + 1}0`,
    metric,
    attributes,
    columns: { Value },
    ...more,
  }));

const upDown = (points: readonly Measured[]): readonly Measured[] =>
  points.map((it) => ({ ...it, columns: { ...it.columns, ...level } }));

const asked = `tier = '1m', from = '2026-01-15 10:00:00', to = '2026-01-15 10:10:00'`;
const row = async (name: string, where: string): Promise<Readonly<Record<string, unknown>>> => {
  const rows = await store.query<Readonly<Record<string, unknown>>>(
    `SELECT * FROM ${name}(${asked}) WHERE ${where}`,
    ask,
  );
  if (rows.length !== 1) throw new Error(`${rows.length} rows of ${name} where ${where}`);
  const told = Object.entries(rows[0] ?? {}).filter(
    ([column, value]) => value !== null && value !== '' && column !== 'Time',
  );
  return Object.fromEntries(
    told.map(([column, value]) => [
      column,
      typeof value === 'number' ? Number(value.toFixed(6)) : value,
    ]),
  );
};

t.test('a machine told by the host metrics receiver', async (t) => {
  await storePoints(store, 'sum', [
    // 60 s of two processors: 120 s, of which 70 + 6 idle and waiting: 1 − 76/120.
    ...gains('system.cpu.time', { cpu: 'cpu0', state: 'user' }, [100, 130]),
    ...gains('system.cpu.time', { cpu: 'cpu0', state: 'idle' }, [500, 530]),
    ...gains('system.cpu.time', { cpu: 'cpu1', state: 'system' }, [10, 24]),
    ...gains('system.cpu.time', { cpu: 'cpu1', state: 'idle' }, [500, 540]),
    ...gains('system.cpu.time', { cpu: 'cpu1', state: 'wait' }, [5, 11]),
    ...gains('system.disk.io', { device: 'sda', direction: 'read' }, [0, 6_000]),
    ...gains('system.disk.io', { device: 'sdb', direction: 'read' }, [100, 700]),
    ...gains('system.disk.io', { device: 'sda', direction: 'write' }, [0, 1_200]),
    ...gains('system.disk.operations', { device: 'sda', direction: 'write' }, [0, 120]),
    ...gains('system.disk.io_time', { device: 'sda' }, [10, 40]),
    ...gains('system.disk.io_time', { device: 'sdb' }, [10, 13]),
    // A restart of the machine's counters: all of 600 is new.
    ...gains('system.network.io', { device: 'eth0', direction: 'receive' }, [9_000, 600]),
    ...gains('system.network.io', { device: 'eth0', direction: 'transmit' }, [0, 60]),
    ...gains('system.network.errors', { device: 'eth0', direction: 'receive' }, [0, 3]),
    ...gains('system.network.dropped', { device: 'eth0', direction: 'receive' }, [0, 6]),
    ...gains('system.paging.faults', { type: 'major' }, [0, 12]),
    ...gains('system.paging.faults', { type: 'minor' }, [0, 9_000]),
    ...upDown([
      ...levels('system.memory.usage', { state: 'used' }, [300, 500]),
      ...levels('system.memory.usage', { state: 'free' }, [500, 300]),
      ...levels('system.memory.usage', { state: 'cached' }, [200, 200]),
      ...levels('system.memory.usage', { state: 'slab_reclaimable' }, [50, 50]),
      ...levels('system.paging.usage', { state: 'used' }, [7]),
      ...levels('system.filesystem.usage', { mountpoint: '/', state: 'used' }, [20]),
      ...levels('system.filesystem.usage', { mountpoint: '/', state: 'free' }, [80]),
      ...levels('system.filesystem.usage', { mountpoint: '/', state: 'reserved' }, [5]),
      ...levels('system.filesystem.usage', { mountpoint: '/var', state: 'used' }, [9]),
      ...levels('system.filesystem.usage', { mountpoint: '/var', state: 'free' }, [1]),
      ...levels('system.filesystem.usage', { mountpoint: '/proc', state: 'used' }, [0]),
      ...levels('system.filesystem.usage', { mountpoint: '/proc', state: 'free' }, [0]),
      ...levels('system.network.connections', { protocol: 'tcp', state: 'LISTEN' }, [4]),
      ...levels('system.network.connections', { protocol: 'tcp', state: 'TIME_WAIT' }, [8]),
      ...levels('system.processes.count', { status: 'running' }, [2]),
      ...levels('system.processes.count', { status: 'sleeping' }, [98]),
    ]),
  ]);
  await storePoints(store, 'gauge', levels('system.cpu.load_average.1m', {}, [1, 2]));
  await computeMetrics(store, '09:59:00', '10:00:00');
  t.strictSame(await row('system_metrics', "host = 'h1'"), {
    ServiceName: 'shop',
    host: 'h1',
    cpu_utilization: Number((1 - 76 / 120).toFixed(6)),
    cpus: 2,
    load_1m: 1.5,
    memory_used: 400,
    memory_total: 1_000,
    memory_utilization: 0.4,
    swap_used: 7,
    major_faults_per_second: 0.2,
    disk_read: 110,
    disk_written: 20,
    disk_operations: 2,
    disk_busy: 0.5,
    filesystem_utilization: 0.9,
    fullest_filesystem: '/var',
    network_received: 10,
    network_sent: 1,
    network_errors: 0.05,
    network_dropped: 0.1,
    connections: 12,
    processes: 100,
  });
});

t.test('a machine told in the words of the newer conventions, by gauges', async (t) => {
  const more = { resource: { 'host.name': 'h2' }, service: 'node' };
  await storePoints(store, 'gauge', [
    ...levels(
      'system.cpu.utilization',
      { 'cpu.logical_number': '0', 'cpu.mode': 'idle' },
      [0.5],
      more,
    ),
    ...levels(
      'system.cpu.utilization',
      { 'cpu.logical_number': '1', 'cpu.mode': 'idle' },
      [0.7],
      more,
    ),
    ...levels(
      'system.cpu.utilization',
      { 'cpu.logical_number': '0', 'cpu.mode': 'iowait' },
      [0.1],
      more,
    ),
    ...levels(
      'system.cpu.utilization',
      { 'cpu.logical_number': '1', 'cpu.mode': 'iowait' },
      [0.1],
      more,
    ),
    ...levels('system.memory.utilization', { 'system.memory.state': 'used' }, [0.3], more),
    ...levels(
      'system.filesystem.utilization',
      { 'system.filesystem.mountpoint': '/data', 'system.filesystem.state': 'used' },
      [0.8],
      more,
    ),
  ]);
  await storePoints(store, 'sum', [
    ...gains('system.disk.io', { 'disk.io.direction': 'write' }, [0, 60], more),
    ...gains('system.network.io', { 'network.io.direction': 'transmit' }, [0, 120], more),
  ]);
  await computeMetrics(store, '09:59:00', '10:00:00');
  t.strictSame(await row('system_metrics', "host = 'h2'"), {
    ServiceName: 'node',
    host: 'h2',
    // 1 − 0.6 − 0.1.
    cpu_utilization: 0.3,
    cpus: 2,
    memory_utilization: 0.3,
    disk_written: 1,
    filesystem_utilization: 0.8,
    fullest_filesystem: '/data',
    network_sent: 2,
  });
});

/** A cumulative histogram that grows between two minutes. */
const collections = (
  metric: string,
  attributes: Readonly<Record<string, string>>,
  [count, sum]: readonly [number, number],
  more: Partial<Measured>,
): readonly Measured[] =>
  (
    [
      ['09:59:50', 10, 1],
      ['10:00:50', 10 + count, 1 + sum],
    ] as const
  ).map(([at, Count, Sum]) => ({
    at,
    start: '08:00:00',
    metric,
    attributes,
    columns: {
      AggregationTemporality: 2,
      Count,
      Sum,
      BucketCounts: [Count, 0],
      ExplicitBounds: [10],
    },
    ...more,
  }));

const runtimes: readonly (readonly [
  service: string,
  points: Readonly<Record<string, readonly Measured[]>>,
  told: Readonly<Record<string, unknown>>,
])[] = [
  [
    'java',
    {
      sum: [
        ...gains('jvm.cpu.time', {}, [5, 35]),
        ...upDown([
          ...levels(
            'jvm.memory.used',
            { 'jvm.memory.type': 'heap', 'jvm.memory.pool.name': 'a' },
            [10, 30],
          ),
          ...levels(
            'jvm.memory.used',
            { 'jvm.memory.type': 'heap', 'jvm.memory.pool.name': 'b' },
            [40],
          ),
          ...levels('jvm.memory.used', { 'jvm.memory.type': 'non_heap' }, [999]),
          ...levels(
            'jvm.memory.limit',
            { 'jvm.memory.type': 'heap', 'jvm.memory.pool.name': 'a' },
            [100],
          ),
          ...levels('jvm.thread.count', { 'jvm.thread.daemon': 'true' }, [7]),
          ...levels('jvm.thread.count', { 'jvm.thread.daemon': 'false' }, [3]),
        ]),
      ],
      gauge: levels('jvm.cpu.recent_utilization', {}, [0.2, 0.4]),
      histogram: collections('jvm.gc.duration', { 'jvm.gc.name': 'G1' }, [6, 0.3], {}),
    },
    {
      runtime: 'jvm',
      cpu_cores: 0.5,
      cpu_utilization: 0.3,
      // 20 + 40.
      heap_used: 60,
      heap_limit: 100,
      heap_utilization: 0.6,
      collections: 0.1,
      gc_time: 0.005,
      threads: 10,
    },
  ],
  [
    'old-java',
    {
      sum: upDown([
        ...levels('process.runtime.jvm.memory.usage', { type: 'heap' }, [64]),
        ...levels('process.runtime.jvm.threads.count', {}, [12]),
      ]),
      histogram: collections('process.runtime.jvm.gc.duration', {}, [6, 300], { unit: 'ms' }),
    },
    { runtime: 'jvm', heap_used: 64, collections: 0.1, gc_time: 0.005, threads: 12 },
  ],
  [
    'node',
    {
      gauge: [
        ...levels('nodejs.eventloop.delay.p99', {}, [0.01, 0.03]),
        ...levels('nodejs.eventloop.utilization', {}, [0.25, 0.75]),
      ],
      sum: upDown([
        ...levels('v8js.memory.heap.used', { 'v8js.heap.space.name': 'old_space' }, [30]),
        ...levels('v8js.memory.heap.used', { 'v8js.heap.space.name': 'new_space' }, [10]),
        ...levels('v8js.memory.heap.limit', { 'v8js.heap.space.name': 'old_space' }, [80]),
      ]),
      histogram: collections('v8js.gc.duration', { 'v8js.gc.type': 'minor' }, [60, 0.6], {}),
    },
    {
      runtime: 'nodejs',
      heap_used: 40,
      heap_limit: 80,
      heap_utilization: 0.5,
      collections: 1,
      gc_time: 0.01,
      event_loop_delay_p99: 0.03,
      event_loop_utilization: 0.5,
    },
  ],
  [
    'gopher',
    {
      sum: [
        ...gains('go.memory.allocated', {}, [0, 6_000]),
        ...gains('process.runtime.go.gc.count', {}, [4, 10]),
        ...gains('process.runtime.go.gc.pause_total_ns', {}, [0, 6e8], { unit: 'ns' }),
        ...gains('process.cpu.time', { state: 'user' }, [0, 90]),
        ...gains('process.cpu.time', { state: 'system' }, [0, 30]),
        ...upDown([
          ...levels('go.memory.used', { 'go.memory.type': 'stack' }, [5]),
          ...levels('go.memory.used', { 'go.memory.type': 'other' }, [15]),
          ...levels('go.goroutine.count', {}, [10, 20]),
          ...levels('process.memory.usage', {}, [55]),
          ...levels('process.unix.file_descriptor.count', {}, [33]),
        ]),
      ],
    },
    {
      runtime: 'go',
      cpu_cores: 2,
      memory_used: 55,
      heap_used: 20,
      allocated: 100,
      collections: 0.1,
      gc_time: 0.01,
      goroutines: 15,
      open_files: 33,
    },
  ],
  [
    'snake',
    {
      sum: [
        ...gains('cpython.gc.collections', { 'cpython.gc.generation': '0' }, [0, 54]),
        ...gains('cpython.gc.collections', { 'cpython.gc.generation': '1' }, [0, 6]),
        ...gains('process.runtime.cpython.cpu_time', { type: 'user' }, [0, 15]),
        ...upDown([
          ...levels('process.runtime.cpython.memory', { type: 'rss' }, [70]),
          ...levels('process.runtime.cpython.memory', { type: 'vms' }, [900]),
          ...levels('process.runtime.cpython.thread_count', {}, [4]),
        ]),
      ],
    },
    { runtime: 'python', cpu_cores: 0.25, memory_used: 70, collections: 1, threads: 4 },
  ],
  [
    'dot',
    {
      sum: [
        ...gains('dotnet.gc.collections', { 'gc.heap.generation': 'gen0' }, [0, 6]),
        ...gains('dotnet.gc.pause.time', {}, [0, 0.6]),
        ...gains('dotnet.process.cpu.time', { 'cpu.mode': 'user' }, [0, 30]),
        ...upDown([
          ...levels('dotnet.process.memory.working_set', {}, [44]),
          ...levels('dotnet.thread_pool.thread.count', {}, [8]),
          ...levels('dotnet.thread_pool.queue.length', {}, [2, 4]),
          ...levels('dotnet.gc.last_collection.heap.size', { 'gc.heap.generation': 'gen2' }, [12]),
        ]),
      ],
    },
    {
      runtime: 'dotnet',
      cpu_cores: 0.5,
      memory_used: 44,
      heap_used: 12,
      collections: 0.1,
      gc_time: 0.01,
      threads: 8,
      pool_queue: 3,
    },
  ],
  [
    'plain',
    { sum: upDown(levels('process.threads', {}, [6])) },
    { runtime: 'process', threads: 6 },
  ],
];

t.test('processes and their runtimes, each in its own words', async (t) => {
  for (const [service, points] of runtimes) {
    const resource = { 'service.instance.id': `${service}-1` };
    for (const [kind, measured] of Object.entries(points)) {
      const own = measured.map((it) => ({ ...it, service, resource }));
      await storePoints(store, kind, own);
    }
  }
  await computeMetrics(store, '09:59:00', '10:00:00');
  for (const [service, , told] of runtimes) {
    t.strictSame(await row('runtime_metrics', `ServiceName = '${service}'`), {
      ServiceName: service,
      instance: `${service}-1`,
      ...told,
    });
  }
});

t.test('a queue has its depth, by its attributes', async (t) => {
  const queue = (name: string, values: readonly number[]) =>
    upDown(
      levels(
        'rabbitmq.message.current',
        { state: 'ready', 'messaging.destination.name': name },
        values,
        {
          service: 'broker',
        },
      ),
    );
  await storePoints(store, 'sum', [...queue('orders', [2, 8, 5]), ...queue('mail', [1])]);
  await computeMetrics(store, '10:00:00');
  t.strictSame(await row('queue_metrics', "queue LIKE '%orders%'"), {
    ServiceName: 'broker',
    MetricName: 'rabbitmq.message.current',
    queue: 'messaging.destination.name=orders state=ready',
    depth_avg: 5,
    depth_max: 8,
    depth_last: 5,
  });
});
