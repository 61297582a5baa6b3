import type { Command } from 'commander';
import { registerAck } from './ack.ts';
import { registerAlerts } from './alerts.ts';
import { registerConfigCheck } from './config-check.ts';
import { registerDeadLetters } from './dead-letters.ts';
import type { Io } from './io.ts';
import { registerKeysNew } from './keys-new.ts';
import { registerRoutesTest } from './routes-test.ts';
import { registerRulesCheck } from './rules-check.ts';
import { registerSendTest } from './send-test.ts';
import { registerSilence } from './silence.ts';
import { registerSlaReport } from './sla-report.ts';

/** Every command that checks files or talks to a daemon that runs already. */
export const registerTools = (program: Command, io: Io): void => {
  registerConfigCheck(program, io);
  registerRulesCheck(program, io);
  registerRoutesTest(program, io);
  registerAlerts(program, io);
  registerSilence(program, io);
  registerAck(program, io);
  registerSlaReport(program, io);
  registerSendTest(program, io);
  registerDeadLetters(program, io);
  registerKeysNew(program, io);
};
