import { z } from '../lib/document.ts';
import type { Endpoint } from './endpoint.ts';
import { failure } from './shapes.ts';

/** The OpenAPI 3.1 description of the API, made from the schemas that validate it. */
export const openApiOf = (endpoints: readonly Endpoint[], version: string): object => {
  const paths: Record<string, Record<string, object>> = {};
  for (const it of endpoints) {
    const path = (paths[it.path] ??= {});
    path[it.method.toLowerCase()] = operationOf(it);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Tocsin', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { schemas: { Error: schemaOf(failure, 'output') } },
  };
};

const operationOf = (it: Endpoint) => ({
  operationId: `${it.method.toLowerCase()}${it.path.replace('/api/v1', '').replaceAll(/[/{}-]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
  summary: it.summary,
  parameters: [...parametersOf('path', it.params), ...parametersOf('query', it.query)],
  ...(it.body && {
    requestBody: { required: true, content: json(schemaOf(it.body, 'input')) },
  }),
  responses: {
    200: { description: 'Done.', content: json(schemaOf(it.answer, 'output')) },
    ...(it.body || it.query ? { 400: refusal('The request is not valid.') } : {}),
    ...Object.fromEntries(
      Object.entries(it.refusals).map(([status, reason]) => [status, refusal(reason)]),
    ),
    default: refusal('Anything else that went wrong.'),
  },
});

const json = (schema: object) => ({ 'application/json': { schema } });

const refusal = (description: string) => ({
  description,
  content: json({ $ref: '#/components/schemas/Error' }),
});

const parametersOf = (place: 'path' | 'query', schema: z.ZodObject | undefined) => {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input');
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
  }));
};

const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io });
  return described;
};
