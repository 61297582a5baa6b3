import { hastyEvaluator, shopRules } from './evaluator.ts';

/**
 * An evaluator in a process of its own, to be killed. Says `asked` before every query; its third
 * query never comes back.
 */
const [redisUrl = ''] = process.argv.slice(2);
let asked = 0;

hastyEvaluator({
  redisUrl,
  groups: shopRules({ more: 'for: 1h' }),
  query: async <Row>() => {
    asked += 1;
    process.stdout.write(`asked ${asked}\n`);
    if (asked === 3) await new Promise(() => {});
    return [{ service: 'pay', value: 30 }] as readonly unknown[] as readonly Row[];
  },
}).start();
