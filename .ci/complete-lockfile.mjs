// Adds to package-lock.json the optional packages of other platforms that npm left out.
//
// npm writes an optional package only when the registry it used can describe it, and some registries
// carry the binaries of their own platform alone. `npm ci` then refuses the file on every platform.
// Run after every `npm install`: node .ci/complete-lockfile.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const processors = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];

/** What a package runs on, read from its name: `@biomejs/cli-linux-arm64-musl`. */
const platformOf = (name) => {
  const words = name.split(/[-_/.]/);
  const os =
    systems.find((it) => words.includes(it)) ?? (words.includes('windows') ? 'win32' : undefined);
  const cpu = words.includes('wasm32') ? 'wasm32' : processors.find((it) => words.includes(it));
  const libc =
    words.includes('musl') || words.includes('musleabihf')
      ? 'musl'
      : os === 'linux' && (words.includes('gnu') || words.includes('gnueabihf'))
        ? 'glibc'
        : undefined;
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), ...(os && { os: [os] }) };
};

let added = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const known = [`${place}/node_modules/${name}`, `node_modules/${name}`].some(
      (it) => it in lock.packages,
    );
    const platform = platformOf(name);
    if (known || Object.keys(platform).length === 0) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platform,
      ...(entry.dev && { dev: true }),
      ...(entry.license && { license: entry.license }),
      optional: true,
    };
    added += 1;
  }
}

const root = lock.packages[''];
delete lock.packages[''];
lock.packages = {
  '': root,
  ...Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1))),
};
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} packages of other platforms added\n`);
