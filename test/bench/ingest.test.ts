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
  const ratio = lines.find((it) => it.startsWith('naive path / decode')) ?? '';
  // A cold and busy machine: the real figure is above 10.
  t.ok(Number(/([\d.]+) \|/.exec(ratio.slice(60))?.[1]) > 3, ratio);
});
