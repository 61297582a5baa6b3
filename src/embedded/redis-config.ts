export interface RedisConfig {
  readonly dir: string;
  readonly socketPath: string;
  readonly memoryBytesMax: number;
}

/**
 * A Redis that BullMQ can trust: nothing is evicted, a second's work at most is lost with the machine
 * and none with the process. `hz 100` makes delayed jobs due to about 10 ms.
 */
export const redisConfig = (config: RedisConfig): string => `port 0
unixsocket ${quoted(config.socketPath)}
unixsocketperm 700
dir ${quoted(config.dir)}
daemonize no
databases 1
appendonly yes
appendfsync everysec
aof-use-rdb-preamble yes
auto-aof-rewrite-min-size 64mb
save ""
maxmemory ${config.memoryBytesMax}
maxmemory-policy noeviction
hz 100
stop-writes-on-bgsave-error no
loglevel warning
logfile ""
`;

const quoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
