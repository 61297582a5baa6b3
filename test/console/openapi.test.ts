import t from 'tap';
import { z } from '../../src/lib/document.ts';
import { alertView, memoryBackend, startConsole } from '../support/console.ts';
import { slaReport } from '../support/sla-report.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: { content: Record<string, { schema: object }> };
  readonly responses: Record<string, { content: Record<string, { schema: Schema }> }>;
}

type Schema = Parameters<typeof z.fromJSONSchema>[0];

interface Description {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: { readonly Error: Schema } };
}

const describe = async (url: string): Promise<Description> =>
  (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Description;

const backend = () => {
  const filled = memoryBackend();
  filled.alerts = [alertView({ acknowledged: { alertId: 'f00d-1', by: 'kim', atMs: 0 } })];
  filled.silences = [
    {
      id: 's1',
      matchers: [{ name: 'a', operator: '=', value: 'b' }],
      startsAtMs: 0,
      endsAtMs: 1,
      by: 'kim',
      comment: '',
      updatedAtMs: 0,
    },
  ];
  filled.acknowledgements = [{ alertId: 'f00d-1', by: 'kim', atMs: 0 }];
  const letter = { atMs: 0, receiver: 'ops', channel: 'slack', alertId: 'a', labels: {} };
  filled.deadLetters = ['d1', 'd2'].map((id) => ({
    ...letter,
    id,
    reason: 'r',
    answer: '',
    attempts: 3,
  }));
  filled.setAside = [
    {
      ...{ id: 'aside-1', kind: 'batch', atMs: 0, signal: 'logs', requests: 1, items: undefined },
      ...{ bytes: 1, code: '', reason: '', retryable: true, file: 'journal/0/rejected/x' },
    },
  ];
  filled.changes = [
    {
      ...{ alertId: 'f00d-1', atMs: 0, change: 'fired', reason: 'held-for', phase: 'firing' },
      ...{ severity: '', ruleId: 'r', labels: {}, annotations: {}, activeAtMs: 0 },
    },
  ];
  filled.slaReport = slaReport;
  filled.messages = [
    {
      ...{ atMs: 0, alertId: 'f00d-1', alertName: 'Slow', kind: 'firing', reason: 'r' },
      ...{ receiver: 'ops', channel: 'log', destination: 'log', outcome: 'delivered', answer: '' },
    },
  ];
  return filled;
};

t.test('the description names every operation of the contract once', async (t) => {
  const { openapi, paths } = await describe(await startConsole(t, backend()));
  t.match(openapi, /^3\.1\./);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  t.strictSame(operations.toSorted(), [
    'delete /api/v1/dead-letters/{id}',
    'delete /api/v1/silences/{id}',
    'get /api/v1/acknowledgements',
    'get /api/v1/alerts',
    'get /api/v1/alerts/{id}',
    'get /api/v1/dead-letters',
    'get /api/v1/messages',
    'get /api/v1/receivers',
    'get /api/v1/rules',
    'get /api/v1/silences',
    'get /api/v1/silences/{id}',
    'get /api/v1/slas/{sla}/reports/{month}',
    'get /api/v1/status',
    'post /api/v1/acknowledgements',
    'post /api/v1/dead-letters/{id}/retry',
    'post /api/v1/receivers/{name}/test',
    'post /api/v1/silences',
  ]);
  const ids = Object.values(paths).flatMap((it) => Object.values(it).map((op) => op.operationId));
  t.equal(new Set(ids).size, ids.length, ids.join(' '));
  t.ok(
    ids.every((it) => /^[a-z]+[A-Za-z]+$/.test(it)),
    ids.join(' '),
  );
});

t.test('what each operation answers is what its description says', async (t) => {
  const url = await startConsole(t, backend());
  const description = await describe(url);
  const examples: Readonly<Record<string, string>> = {
    ...{ id: 's1', name: 'ops' },
    ...{ sla: encodeURIComponent(slaReport.sla), month: slaReport.month },
  };
  const bodies: Readonly<Record<string, object>> = {
    '/api/v1/silences': { matchers: ['a=b'], duration: '1h', by: 'kim' },
    '/api/v1/acknowledgements': { alert: 'f00d-1', by: 'kim' },
  };
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((it) => it.in === 'path' && it.required);
      t.strictSame(
        declared.map((it) => it.name),
        named,
        `${path} declares what it names`,
      );
      const letter = method === 'post' ? 'd1' : 'd2';
      const real = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        path.includes('dead')
          ? letter
          : path.includes('/alerts/')
            ? 'f00d-1'
            : (examples[name] ?? ''),
      );
      const body = method === 'post' ? bodies[path] : undefined;
      t.equal(body !== undefined, operation.requestBody !== undefined, `${method} ${path}`);
      const response = await fetch(url + real, {
        method: method.toUpperCase(),
        ...(body && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      });
      t.equal(response.status, 200, `${method} ${real}`);
      const schema = operation.responses['200']?.content['application/json']?.schema ?? {};
      const parsed = z.fromJSONSchema(schema).safeParse(await response.json());
      t.ok(parsed.success, `${method} ${real}: ${parsed.error?.message ?? ''}`);
    }
  }
});

t.test('a refusal is what the description calls an error', async (t) => {
  const url = await startConsole(t, backend());
  const { components, paths } = await describe(url);
  const failure = z.fromJSONSchema(components.schemas.Error);
  for (const path of ['/api/v1/silences/nope', '/api/v1/alerts?state=x', '/nope']) {
    const parsed = failure.safeParse(await (await fetch(url + path)).json());
    t.ok(parsed.success, `${path}: ${parsed.error?.message ?? ''}`);
  }
  for (const operation of Object.values(paths).flatMap((it) => Object.values(it))) {
    const refusals = Object.entries(operation.responses).filter(([status]) => status !== '200');
    for (const [, { content }] of refusals) {
      t.strictSame(content['application/json']?.schema, { $ref: '#/components/schemas/Error' });
    }
  }
});

t.test('the body of a silence is described with its bounds', async (t) => {
  const { paths } = await describe(await startConsole(t, backend()));
  t.match(paths['/api/v1/silences']?.['post']?.requestBody?.content['application/json']?.schema, {
    type: 'object',
    required: ['matchers', 'by'],
    additionalProperties: false,
    properties: {
      matchers: { type: 'array', minItems: 1, items: { type: 'string', maxLength: 1_000 } },
      duration: { type: 'string' },
      starts_at: { type: 'string', format: 'date-time' },
    },
  });
});
