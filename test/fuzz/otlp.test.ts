import t from 'tap';
import { runFuzz } from '../../bench/fuzz/run.ts';

// The long run: npm run bench -- fuzz --requests 1000000 --seed 1
const seed = Number(process.env['TOCSIN_FUZZ_SEED'] ?? 1);

t.test('mutated requests neither crash nor hang, and every item is accounted for', async (t) => {
  const report = await runFuzz({ seed, requests: 8_000, socketShare: 0.15 });
  t.comment(JSON.stringify(report));
  t.strictSame(report.problems, [], 'no crash, no hang, nothing lost');
  t.ok(report.counted > 1_000, 'well-formed requests were among them');
  const [before, after] = report.residentMiB;
  t.ok(after < before + 300, `memory stays: ${before} MiB, then ${after} MiB`);
  for (const ending of [
    'taken',
    'ERR_OTLP_MALFORMED',
    'HTTP 200',
    'HTTP 400',
    'gRPC 0',
    'gRPC 3',
  ]) {
    t.ok(report.endings[ending], `some ended as ${ending}`);
  }
});
