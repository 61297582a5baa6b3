import type { FastifyInstance } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/fault.ts';
import type { ConsolePorts, Dependencies } from './ports.ts';

/** A probe gives up after a second or so; an answer that says what hangs is worth more. */
const dependenciesMsMax = 2_000;

/** What orchestrators, Prometheus and whoever reloads ask for. */
export const addHealth = (app: FastifyInstance, ports: ConsolePorts, clock: Clock): void => {
  const look = (): Promise<Dependencies> => {
    let cancel = () => {};
    const late = new Promise<Dependencies>((resolve) => {
      const detail = `did not answer within ${dependenciesMsMax} ms`;
      cancel = clock.after(dependenciesMsMax, () =>
        resolve({ dependencies: { state: 'down', detail } }),
      );
    });
    const seen = ports.dependencies().catch(
      (error: unknown): Dependencies => ({
        dependencies: { state: 'down', detail: messageOf(error) },
      }),
    );
    return Promise.race([seen, late]).finally(cancel);
  };

  // Living means that this loop turns: an orchestrator must not restart us because ClickHouse is away.
  app.get('/health/live', async () => ({ status: 'live', dependencies: await look() }));
  app.get('/-/healthy', async () => 'Tocsin is healthy.\n');

  app.get('/health/ready', async (_request, reply) => {
    const dependencies = await look();
    const ready = isReady(dependencies);
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ready' : 'not-ready', dependencies });
  });
  app.get('/-/ready', async (_request, reply) => {
    const ready = isReady(await look());
    return reply.code(ready ? 200 : 503).send(`Tocsin is ${ready ? '' : 'not '}ready.\n`);
  });

  app.get('/metrics', async (_request, reply) => {
    const text = await ports.metricsText();
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });

  app.post('/-/reload', async (_request, reply) => {
    const outcome = await ports.reload();
    if (outcome.ok) return reply.send({ reloaded: true, warnings: outcome.warnings });
    return reply.code(400).send({
      error: {
        code: 'ERR_CONFIG_INVALID',
        message: 'nothing was changed, because the new configuration has problems',
        details: outcome.problems.map((message) => ({ at: '', message })),
      },
    });
  });
};

const isReady = (dependencies: Dependencies): boolean =>
  Object.values(dependencies).every((it) => it.state === 'up');
