import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/lib/document.ts';
import { keyHash } from '../../src/lib/key-hash.ts';
import { makeAuthority } from '../support/certificates.ts';

const plain = 'tk_this-is-a-key-of-the-test';
const hash = `sha256:${keyHash(plain)}`;
const other = `sha256:${'0'.repeat(64)}`;

interface Given {
  readonly text: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const load = ({ text, files = {}, environment = {} }: Given) =>
  loadConfig({
    file: { path: 'etc/tocsin.yaml', text },
    environment,
    mode: 'up',
    readFile: (path) => files[path] ?? readFileSync(path, 'utf8'),
  });

const config = (given: Given) => {
  const reading = load(given);
  if (!reading.ok) throw new Error(reading.problems.map(formatProblem).join('\n'));
  return reading.config;
};

t.test('a key comes as its hash, from a file or from the environment', async (t) => {
  const rows: readonly Given[] = [
    { text: `auth: {keys: [{name: shop, hash: "${hash}"}]}` },
    {
      text: 'auth: {keys: [{name: shop, key_file: shop.key}]}',
      files: { 'etc/shop.key': `${plain}\n` },
    },
    { text: 'auth: {keys: [{name: shop, key: "${SHOP}"}]}', environment: { SHOP: plain } },
    {
      text: 'auth: {keys_file: keys.yaml}',
      files: { 'etc/keys.yaml': `- {name: shop, hash: "${hash}"}\n` },
    },
    {
      text: 'data_dir: d',
      environment: { TOCSIN_AUTH_KEYS_FILE: 'keys.yaml' },
      files: { 'keys.yaml': '- {name: shop, key_file: k}', k: plain },
    },
  ];
  for (const given of rows) {
    const { auth } = config(given);
    t.strictSame(auth.keys, [
      { name: 'shop', hash: keyHash(plain), scopes: ['ingest'], limits: {}, attributes: {} },
    ]);
    t.notMatch(inspect(auth, { depth: 9 }), plain);
  }
});

t.test('a key has an end, limits, attributes and scopes', async (t) => {
  const text = [
    'auth:',
    '  keys:',
    '    - name: shop',
    `      hash: ${hash}`,
    '      expires: 2027-01-31',
    '      limits: {requests_per_second: 0.5, bytes_per_second: 1MiB, items_per_second: 1000}',
    '      attributes: {tenant: shop, deployment.tier: 1}',
    '      scopes: [ingest, api]',
    `    - {name: night, hash: "${other}", expires: 2027-01-31T12:00:00+01:00}`,
  ].join('\n');
  t.strictSame(config({ text }).auth.keys, [
    {
      name: 'shop',
      hash: keyHash(plain),
      expiresAtMs: Date.UTC(2027, 1, 1),
      scopes: ['ingest', 'api'],
      limits: { requestsPerSecond: 0.5, bytesPerSecond: 1_048_576, itemsPerSecond: 1000 },
      attributes: { tenant: 'shop', 'deployment.tier': '1' },
    },
    {
      name: 'night',
      hash: '0'.repeat(64),
      expiresAtMs: Date.UTC(2027, 0, 31, 11),
      scopes: ['ingest'],
      limits: {},
      attributes: {},
    },
  ]);
});

const key = `{name: a, hash: "${hash}"}`;
const far = 'listen: {otlp_http: "0.0.0.0:1"}\n';
const farConsole = 'listen: {console: "0.0.0.0:1"}\n';

// biome-ignore format: one mistake per line.
const mistakes: readonly (readonly [name: string, given: Given, expected: RegExp])[] = [
  ['a key without anything to compare with', { text: 'auth: {keys: [{name: a}]}' },                     /^etc\/tocsin.yaml:1:22 auth.keys\[0\].name: give one of hash, key and key_file$/],
  ['a key told twice',              { text: `auth: {keys: [{name: a, hash: "${hash}", key_file: b}]}` }, /give one of hash, key and key_file/],
  ['a plain key in the file',       { text: `auth: {keys: [{name: a, key: ${plain}}]}` },                /^etc\/tocsin.yaml:1:30 auth.keys\[0\].key: whoever may read this file could use the key/],
  ['a short key',                   { text: 'auth: {keys: [{name: a, key: "${K}"}]}', environment: { K: 'secret' } }, /auth.keys\[0\].key: a key has at least 20 characters/],
  ['a hash of another kind',        { text: 'auth: {keys: [{name: a, hash: "md5:00"}]}' },               /auth.keys\[0\].hash: expected sha256: and 64/],
  ['a name with a blank',           { text: `auth: {keys: [{name: "a b", hash: "${hash}"}]}` },          /auth.keys\[0\].name: expected a plain name/],
  ['a name of two keys',            { text: `auth: {keys: [${key}, {name: a, hash: "${other}"}]}` },     /auth.keys\[1\].name: a is the name of two keys/],
  ['one key under two names',       { text: `auth: {keys: [${key}, {name: b, hash: "${hash}"}]}` },      /auth.keys\[1\].name: b is the same key as a/],
  ['an end that is no time',        { text: `auth: {keys: [{name: a, hash: "${hash}", expires: 90d}]}` }, /auth.keys\[0\].expires: expected a day/],
  ['an end on no day',              { text: `auth: {keys: [{name: a, hash: "${hash}", expires: 2027-13-01}]}` }, /expires: expected a day/],
  ['a limit of nothing',            { text: `auth: {keys: [{name: a, hash: "${hash}", limits: {items_per_second: 0}}]}` }, /limits.items_per_second: /],
  ['a scope that is none',          { text: `auth: {keys: [{name: a, hash: "${hash}", scopes: [root]}]}` }, /scopes\[0\]: .*"ingest"\|"api"/],
  ['a key opening nothing',         { text: `auth: {keys: [{name: a, hash: "${hash}", scopes: []}]}` },  /scopes: /],
  ['a missing file of keys',        { text: 'auth: {keys_file: nope.yaml}' },                            /^etc\/tocsin.yaml:1:19 auth.keys_file: this file cannot be read: ENOENT/],
  ['a mistake in a file of keys',   { text: 'auth: {keys_file: k.yaml}', files: { 'etc/k.yaml': `- {name: a, hash: "${hash}"}\n- {name: b, scope: api}` } }, /^etc\/k.yaml:2:20 \[1\].scope: unknown key; did you mean scopes\?/],
  ['keys that only open the API, beyond loopback', { text: `${far}auth: {keys: [{name: a, hash: "${hash}", scopes: [api]}]}` }, /listen.otlp_http: 0.0.0.0:1 can be reached .*give auth.keys one with the scope ingest/],
  ['keys that only open ingest, beyond loopback',  { text: `${farConsole}auth: {keys: [${key}]}` },       /listen.console: .*give auth.keys one with the scope api/],
  ['a key file without its certificate', { text: 'tls: {key_file: a}' },                                 /tls.key_file: needs cert_file beside it/],
  ['a certificate without its key', { text: 'tls: {cert_file: a}' },                                     /tls.cert_file: needs key_file beside it/],
  ['an authority without a certificate', { text: 'tls: {client_ca_file: a}' },                           /tls.client_ca_file: needs cert_file and key_file/],
  ['a certificate that is not there', { text: 'tls: {cert_file: a, key_file: b}' },                      /^etc\/tocsin.yaml:1:18 tls.cert_file: this file cannot be read: ENOENT/],
  ['a certificate that is none',    { text: 'tls: {cert_file: a, key_file: b}', files: { 'etc/a': 'x', 'etc/b': 'y' } }, /tls.cert_file: this file holds no certificate in PEM/],
  ['a TLS version of the past',     { text: 'tls: {min_version: "1.0"}' },                               /tls.min_version: .*"1.2"\|"1.3"/],
  ['TLS on a port without it',      { text: 'tls: {ports: [sql]}' },                                     /tls.ports\[0\]: /],
];

for (const [name, given, expected] of mistakes) {
  t.test(`${name} is one problem with its place`, async (t) => {
    const reading = load(given);
    const found = reading.ok ? [] : reading.problems.map(formatProblem);
    t.equal(found.length, 1, found.join('\n'));
    t.match(found[0], expected);
    t.notMatch(found[0], plain);
  });
}

t.test('a private key that does not fit and an authority that is none are problems', async (t) => {
  const authority = makeAuthority(t);
  const [a, b] = [authority.issue('a'), authority.issue('b')];
  const files = { 'etc/a.pem': a.cert, 'etc/b.key': b.key, 'etc/a.key': a.key };
  const problemsOf = (text: string) => {
    const reading = load({ text, files });
    return reading.ok ? '' : reading.problems.map(formatProblem).join('\n');
  };
  t.match(
    problemsOf('tls: {cert_file: a.pem, key_file: b.key}'),
    /^etc\/tocsin.yaml:1:35 tls.key_file: this file holds no private key in PEM that fits cert_file/,
  );
  t.match(
    problemsOf('tls: {cert_file: a.pem, key_file: a.key, client_ca_file: a.key}'),
    /tls.client_ca_file: this file holds no certificate in PEM/,
  );
});

t.test('keys and client certificates allow listening beyond loopback', async (t) => {
  const both = `auth: {keys: [{name: a, hash: "${hash}", scopes: [ingest, api]}]}\n`;
  const everywhere =
    'listen: {otlp_http: "0.0.0.0:1", otlp_grpc: "0.0.0.0:2", console: "[::]:3"}\n';
  t.equal(config({ text: everywhere + both }).listen.console.host, '::');

  const authority = makeAuthority(t);
  const { certFile, keyFile } = authority.issue('server');
  const tls = `tls: {cert_file: ${certFile}, key_file: ${keyFile}, client_ca_file: ${authority.caFile}`;
  t.match(config({ text: `${everywhere}${tls}}` }).tls, {
    certFile,
    keyFile,
    clientCaFile: authority.caFile,
    versionMin: 'TLSv1.2',
    ports: ['otlp_grpc', 'otlp_http', 'console'],
  });
  const reading = load({ text: `${everywhere}${tls}, ports: [otlp_grpc, otlp_http]}` });
  t.match(!reading.ok && reading.problems.map((it) => it.key), ['listen.console']);
  const serverOnly = load({
    text: `${far}tls: {cert_file: ${certFile}, key_file: ${keyFile}}`,
  });
  t.match(!serverOnly.ok && serverOnly.problems.map((it) => it.key), ['listen.otlp_http']);
});
