import { availableParallelism } from 'node:os';
import t from 'tap';
import { ingestBench } from '../../bench/ingest.ts';

t.test('the ingest bench runs each stage in small and is far from the naive path', async (t) => {
  const lines = await ingestBench.run(true);
  t.match(lines[0], /^machine: \d+ × .*, node v\d+/);
  for (const signal of ['traces', 'metrics', 'logs']) {
    for (const stage of ['naive', 'decode', 'gunzip + decode', 'http gzip', 'grpc']) {
      t.ok(
        lines.some((it) => it.startsWith(`${signal} ${stage}`) && /[1-9].*k\/s\/core/.test(it)),
        `${signal}, ${stage}`,
      );
    }
  }
  const most = availableParallelism();
  for (const workers of most > 1 ? ['1 worker ', `${most} workers`] : ['1 worker ']) {
    const line = lines.find((it) => it.startsWith(workers)) ?? '';
    t.match(line, /[1-9]\d*k spans\/s, \d+\.\d\d×.* cores busy; \d+\.\d\d× by CPU/, workers);
  }
  const ratio = lines.find((it) => it.startsWith('naive path / decode')) ?? '';
  // A cold and busy machine: the real figure is above 10.
  t.ok(Number(/([\d.]+) \|/.exec(ratio.slice(60))?.[1]) > 3, ratio);
});
