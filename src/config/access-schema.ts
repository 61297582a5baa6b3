import { z } from '../lib/document.ts';
import { scopes } from '../model/access.ts';
import { sizeBytes } from './fields.ts';

/** The listening ports that can speak TLS, by their keys in `listen`. */
export const tlsPorts = ['otlp_grpc', 'otlp_http', 'console'] as const;

/** Certificates of the listening ports. */
export const tls = z.strictObject({
  cert_file: z.string().min(1).optional(),
  key_file: z.string().min(1).optional(),
  /** Senders must show a certificate that one of these authorities signed. */
  client_ca_file: z.string().min(1).optional(),
  min_version: z.enum(['1.2', '1.3']).default('1.2'),
  /** Which of the ports speak TLS. */
  ports: z.array(z.enum(tlsPorts)).default([...tlsPorts]),
});

const isDayOrTime = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/.test(text) &&
  !Number.isNaN(Date.parse(text));

const expiry = z
  .string()
  .refine(
    isDayOrTime,
    'expected a day such as 2027-01-31, which is its last, or a time such as 2027-01-31T12:00:00Z',
  );

const rate = z.number().positive();

const accessKey = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][\w.-]{0,63}$/,
      'expected a plain name: letters, digits, dots, - and _, at most 64',
    ),
  hash: z
    .string()
    .regex(
      /^sha256:[0-9a-f]{64}$/,
      'expected sha256: and 64 hexadecimal digits, as tocsin keys new prints them',
    )
    .optional(),
  key: z.string().optional(),
  key_file: z.string().min(1).optional(),
  expires: expiry.optional(),
  limits: z
    .strictObject({
      requests_per_second: rate.optional(),
      bytes_per_second: sizeBytes.optional(),
      items_per_second: rate.optional(),
    })
    .prefault({}),
  /** Resource attributes of everything that comes in with the key. */
  attributes: z
    .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
    .default({}),
  scopes: z.array(z.enum(scopes)).min(1).default(['ingest']),
});

/** The list under `auth.keys` and that of the file that `auth.keys_file` names. */
export const accessKeys = z.array(accessKey).max(1_000);

export type AccessKeyDocument = z.output<typeof accessKey>;
