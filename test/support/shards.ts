import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startEmbeddedClickHouse } from '../../src/embedded/clickhouse.ts';
import { daemonUser } from '../../src/embedded/engine-users.ts';
import { findPorts } from '../../src/embedded/port.ts';
import { engineOptions } from './embedded-options.ts';
import { engineParentDir } from './engine-dir.ts';

export interface Shard {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

const host = '127.0.0.1';
const password = 'known-before-the-engines-start';
/** Named in `remote_servers` of both. */
export const clusterName = 'main';

/**
 * Two real engines that know each other as the two shards of one cluster and talk over ClickHouse's
 * own protocol once each was told to listen for it (`SYSTEM START LISTEN TCP`). There is no Keeper in
 * them: ON CLUSTER cannot be had. The second has ClickHouse's own stand-in for tests of Keeper, with
 * which Replicated tables can be made but hold nothing.
 */
export const startShards = async (t: Pick<Test, 'teardown'>): Promise<readonly [Shard, Shard]> => {
  const wish = { host, port: 0, key: 'tcp' };
  const [first = 0, second = 0] = await findPorts([wish, wish]);
  const keeper =
    '<zookeeper><implementation>testkeeper</implementation></zookeeper>' +
    '<default_replica_path>/tables/{database}/{table}/{shard}</default_replica_path>';
  const replica = (port: number) =>
    `<shard><replica><host>${host}</host><port>${port}</port>` +
    `<user>${daemonUser}</user><password>${password}</password></replica></shard>`;
  const servers = `<remote_servers><${clusterName}>${replica(first)}${replica(second)}</${clusterName}></remote_servers>`;
  const macros = (shard: number) =>
    `<macros><shard>${shard}</shard><replica>only</replica></macros>`;
  return [
    await startShard(t, first, `${servers}${macros(1)}`),
    await startShard(t, second, `${servers}${macros(2)}${keeper}`),
  ];
};

const startShard = async (
  t: Pick<Test, 'teardown'>,
  tcpPort: number,
  config: string,
): Promise<Shard> => {
  const dataDir = await mkdtemp(join(engineParentDir(), 'tocsin-shard-'));
  const home = join(dataDir, 'clickhouse');
  for (const dir of ['config.d', 'users.d']) await mkdir(join(home, dir), { recursive: true });
  await writeFile(join(home, 'daemon.credentials'), `user=${daemonUser}\npassword=${password}\n`, {
    mode: 0o600,
  });
  await writeFile(
    join(home, 'config.d/shard.xml'),
    `<clickhouse><tcp_port>${tcpPort}</tcp_port>${config}</clickhouse>`,
  );
  // A server's user for Tocsin may reach the other servers of its cluster; the embedded one may not.
  await writeFile(
    join(home, 'users.d/remote.xml'),
    `<clickhouse><users><${daemonUser}><grants replace="replace"><query>GRANT ALL ON *.*</query></grants></${daemonUser}></users></clickhouse>`,
  );
  const engine = await startEmbeddedClickHouse(engineOptions(dataDir));
  t.teardown(() => engine.stop().then(() => rm(dataDir, { recursive: true, force: true })));
  return { url: engine.url, username: engine.username, password };
};
