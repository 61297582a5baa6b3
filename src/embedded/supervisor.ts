import type { ChildProcess } from 'node:child_process';
import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import { type ChildOutput, followOutput } from './child-output.ts';
import { killGroup } from './process-group.ts';
import type {
  ChildState,
  Supervised,
  SupervisedPart,
  SupervisorLimits,
  SupervisorTools,
} from './supervised.ts';

interface Life {
  readonly child: ChildProcess;
  readonly output: ChildOutput;
  /** Resolves with how the child ended, once it has. Never rejects. */
  readonly ended: Promise<string>;
}

/**
 * Starts a child, keeps it alive, ends it. Rejects with the part's Fault, or ERR_CHILD_START, when
 * the first start fails: that is a matter for the person who started us; later failures are retried
 * with backoff for ever and show in `state`.
 */
export const supervise = async (
  part: SupervisedPart,
  limits: SupervisorLimits,
  tools: SupervisorTools,
): Promise<Supervised> => {
  const supervisor = new Supervisor(part, limits, tools);
  await supervisor.start();
  return supervisor;
};

class Supervisor implements Supervised {
  readonly #part: SupervisedPart;
  readonly #limits: SupervisorLimits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: Random;
  readonly #stopping = new AbortController();
  readonly #countRestart: (add: number) => void;
  readonly #countProbeFailure: (add: number) => void;
  #state: ChildState = { kind: 'starting' };
  #restartCount = 0;
  #life: Life | undefined;
  #watching: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(part: SupervisedPart, limits: SupervisorLimits, tools: SupervisorTools) {
    this.#part = part;
    this.#limits = limits;
    this.#clock = tools.clock;
    this.#log = tools.log.child({ part: part.name });
    this.#random = tools.random;
    const label = { part: part.name };
    const restarts = tools.meter.counter('tocsin_embedded_restarts', {
      description: 'Times an embedded ClickHouse or Redis was started again after it had failed',
      unit: '{restart}',
    });
    const probeFailures = tools.meter.counter('tocsin_embedded_probe_failures', {
      description: 'Health probes of an embedded ClickHouse or Redis that failed or timed out',
      unit: '{probe}',
    });
    this.#countRestart = (add) => restarts(add, label);
    this.#countProbeFailure = (add) => probeFailures(add, label);
  }

  state = (): ChildState => this.#state;
  restartCount = (): number => this.#restartCount;
  pid = (): number | undefined =>
    this.#state.kind === 'stopped' ? undefined : this.#life?.child.pid;
  stop = (): Promise<void> => (this.#stopped ??= this.#stop());

  async start(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      this.#state = { kind: 'stopped' };
      throw error;
    }
    this.#watching = this.#watch();
  }

  /** One spawn until its first good probe. On failure nothing is left running. */
  async #begin(): Promise<void> {
    await this.#part.prepare?.();
    const startedMs = this.#clock.monotonicMs();
    const life = this.#spawn();
    this.#life = life;
    const ended = new AbortController();
    void life.ended.then(() => ended.abort());
    while (!ended.signal.aborted && !this.#stopping.signal.aborted) {
      if ((await this.#probe()) === undefined) {
        this.#state = { kind: 'running' };
        const tookMs = Math.round(this.#clock.monotonicMs() - startedMs);
        this.#log.info('embedded_part_running', { pid: life.child.pid, tookMs });
        return;
      }
      if (this.#clock.monotonicMs() - startedMs > this.#limits.startMsMax) break;
      await this.#clock.sleep(startPollMs, ended.signal);
    }
    const late = !ended.signal.aborted;
    killGroup(life.child);
    const how = await life.ended;
    const text = life.output.tail();
    const reason = late
      ? `did not serve within ${this.#limits.startMsMax} ms`
      : `ended with ${how}`;
    throw (
      this.#part.explain(text) ??
      new Fault('ERR_CHILD_START', `${this.#part.name} ${reason}: ${text}`, { remedy: 'retry' })
    );
  }

  #spawn(): Life {
    const child = this.#part.spawn();
    const output = followOutput(child, this.#clock, this.#log, () => this.#stopping.signal.aborted);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => {
        if (child.pid === undefined) resolve(error.message);
      });
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    // A write to a child that has just died is the exit's business, not an error of its own.
    child.stdin?.on('error', () => {});
    return { child, output, ended };
  }

  async #watch(): Promise<void> {
    for (let attempt = 0; !this.#stopping.signal.aborted; ) {
      const reason = await this.#untilBroken();
      if (reason === undefined) return;
      this.#state = { kind: 'restarting', reason };
      for (;;) {
        const delayMs = backoffMs(attempt, this.#limits.backoff, this.#random);
        this.#log.warn('embedded_part_restarting', { reason, attempt, delayMs });
        await this.#clock.sleep(delayMs, this.#stopping.signal);
        if (this.#stopping.signal.aborted) return;
        this.#restartCount += 1;
        this.#countRestart(1);
        attempt += 1;
        try {
          await this.#begin();
          break;
        } catch (error) {
          if (this.#stopping.signal.aborted) return;
          this.#log.error('embedded_part_start_failed', { error });
          this.#state = { kind: 'restarting', reason: messageOf(error) };
        }
      }
      attempt = 0;
    }
  }

  /** Watches a running child. Resolves with why it must be replaced, or undefined when we stop. */
  async #untilBroken(): Promise<string | undefined> {
    const life = this.#life;
    if (!life) return undefined;
    const wake = new AbortController();
    let exit: string | undefined;
    void life.ended.then((how) => {
      exit = how;
      wake.abort();
    });
    const signal = AbortSignal.any([wake.signal, this.#stopping.signal]);
    for (let failures = 0; ; ) {
      await this.#clock.sleep(this.#limits.probeEveryMs, signal);
      if (this.#stopping.signal.aborted) return undefined;
      if (exit !== undefined) return `ended with ${exit}`;
      const failure = await this.#probe();
      if (failure === undefined) {
        failures = 0;
        continue;
      }
      this.#countProbeFailure(1);
      failures += 1;
      this.#log.warn('embedded_part_probe_failed', { failure, failures });
      if (failures < this.#limits.probeFailuresMax) continue;
      killGroup(life.child);
      await life.ended;
      return `no good probe in ${failures}: ${failure}`;
    }
  }

  /** Undefined when the child serves, otherwise what is wrong. */
  async #probe(): Promise<string | undefined> {
    const limit = new AbortController();
    const cancel = this.#clock.after(this.#limits.probeMsMax, () => limit.abort());
    try {
      await this.#part.probe(limit.signal);
      return undefined;
    } catch (error) {
      return messageOf(error);
    } finally {
      cancel();
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const life = this.#life;
    if (life) {
      const cancel = this.#clock.after(this.#limits.stopMsMax, () => {
        this.#log.warn('embedded_part_killed', { stopMsMax: this.#limits.stopMsMax });
        killGroup(life.child);
      });
      try {
        await this.#part.askToStop(life.child);
      } catch (error) {
        this.#log.warn('embedded_part_stop_refused', { error });
        killGroup(life.child);
      }
      await life.ended;
      cancel();
    }
    await this.#watching;
    this.#state = { kind: 'stopped' };
  }
}

const startPollMs = 20;
