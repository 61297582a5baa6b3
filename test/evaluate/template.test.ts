import t from 'tap';
import {
  formatValue,
  humanize,
  humanize1024,
  humanizeDuration,
} from '../../src/evaluate/humanize.ts';
import type { Unit } from '../../src/evaluate/rules/plan.ts';
import { compileTemplate } from '../../src/evaluate/template.ts';

const scope = {
  labelNames: ['http_route', 'team', 'nasty', 'alertname', 'severity'],
  units: new Map<string, Unit>([
    ['p99', 'seconds'],
    ['errors', 'ratio'],
    ['heap', 'bytes'],
    ['rps', 'per-second'],
    ['gone', 'count'],
  ]),
};

const context = {
  labels: { http_route: '/pay', team: 'pay ments', nasty: '{{ $value }} <b>' },
  values: { p99: 0.8123, errors: 0.0512, heap: 1_572_864, rps: 37.5, gone: null },
};

const render = (text: string): string => {
  const reading = compileTemplate(text, scope);
  return reading.ok ? reading.template(context) : `refused: ${reading.messages.join('; ')}`;
};

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const table: readonly (readonly [string, string])[] = [
  ['nothing to do',                                'nothing to do'],
  ['p99 {{ $values.p99 }} on {{ $labels.http_route }}', 'p99 812.3 ms on /pay'],
  ['{{$value}}',                                   '812.3 ms'],
  ['{{ .Value }} {{ .Labels.team }} {{ .Values.errors }}', '812.3 ms pay ments 5.12 %'],
  ['{{ $values.p99.Value }}',                      '812.3 ms'],
  ['{{ $values.heap }}, {{ $values.rps }}',        '1.5 MiB, 37.5/s'],
  ['{{ $values.gone }}',                           'no data'],
  ['{{ $labels.team | toUpper }}',                 'PAY MENTS'],
  ['{{ toLower "ABC" }} {{ title $labels.team }}', 'abc Pay Ments'],
  ['{{ $values.heap | humanize }}',                '1.573M'],
  ['{{ $values.heap | humanize1024 }}',            '1.5Mi'],
  ['{{ $values.errors | humanizePercentage }}',    '5.12%'],
  ['{{ $value | humanizeDuration }}',              '812.3ms'],
  ['{{ printf "%.2f" $value }}',                   '0.81'],
  ['{{ $value | printf "%.1f s of %s" }}',         'refused or error'],
  ['{{ printf "%s: %05.1f%%" $labels.team $values.rps }}', 'pay ments: 037.5%'],
  ['{{ printf "%d|%q|%-5s|%v" 3.7 "a" "b" $value }}', '3|"a"|b    |0.8123'],
  ['{{ (printf "%.0f" $values.rps) | printf "<%s>" }}', '<38>'],
  ['{{ "}}" }} {{ `raw "}}"` }}',                  '}} raw "}}"'],
  ['{{- $labels.http_route -}}  x',                '/payx'],
  ['a {{/* a comment */}} b',                      'a  b'],
  ['{{ $labels.severity }}',                       ''],
  ['{{ $labels.nasty }}',                          '{{ $value }} <b>'],
  ['{{ $labels.team | humanize }}',                '<error expanding template: humanize needs a number, not "pay ments">'],
  ['{{ printf "%x" $value }}',                     '<error expanding template: printf does not know %x>'],
  ['{{ printf "%f" }}',                            '<error expanding template: printf has nothing for %f>'],
];

for (const [text, expected] of table) {
  t.test(`${text} is rendered`, async (t) => {
    if (expected === 'refused or error') t.match(render(text), /^<error expanding template: /);
    else t.equal(render(text), expected);
  });
}

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const mistakes: readonly (readonly [string, string])[] = [
  ['{{ $labels.http_rout }}',    'no label http_rout in this alert; did you mean http_route?'],
  ['{{ $labels.http.route }}',   'labels have underscores for dots: write $labels.http_route'],
  ['{{ $values.p9 }}',           'no signal p9 in this rule; did you mean p99?'],
  ['{{ $vlaue }}',               'unknown $vlaue; there are $labels.NAME, $value and $values.SIGNAL'],
  ['{{ $value | humanise }}',    'unknown function humanise; did you mean humanize?'],
  ['{{ constructor $value }}',   'unknown function constructor; there are humanize, humanize1024, humanizeDuration, humanizePercentage, humanizeTimestamp, toUpper, toLower, title, printf'],
  ['{{ if $value }}x{{ end }}',  '{{ if }} is not supported'],
  ['{{ $value',                  '{{ without }}'],
  ['{{ }}',                      '{{ }} is empty'],
  ['{{ ($value }}',              '( without )'],
  ['{{ $value $value }}',        'a value that is no function takes no arguments'],
  ['{{ $value | }}',             'a | with nothing beside it'],
  ['{{ $value ; }}',             'cannot read ; in {{ $value ; }}'],
];

for (const [text, message] of mistakes) {
  t.test(`${text} is refused when it is read`, async (t) => {
    t.equal(render(text), `refused: ${message}`);
  });
}

t.test('labels are not checked where only the query knows them', async (t) => {
  const reading = compileTemplate('{{ $labels.anything }}', { ...scope, labelNames: undefined });
  t.equal(reading.ok, true);
});

t.test('what senders put into labels does not make a message grow without end', async (t) => {
  const reading = compileTemplate('{{ $labels.team }}', scope);
  const text = reading.ok
    ? reading.template({ labels: { team: 'x'.repeat(1e6) }, values: {} })
    : '';
  t.equal(text.length, 8_193);
});

// biome-ignore format: one case per line, columns aligned, so a missing case shows as a gap.
const values: readonly (readonly [number, Unit, string])[] = [
  [0,         'seconds',    '0 s'],
  [1.5e-9,    'seconds',    '1.5 ns'],
  [0.0000125, 'seconds',    '12.5 µs'],
  [0.812,     'seconds',    '812 ms'],
  [1.5,       'seconds',    '1.5 s'],
  [-0.25,     'seconds',    '-250 ms'],
  [59.96,     'seconds',    '59.96 s'],
  [3_661,     'seconds',    '1h 1m 1s'],
  [93_600,    'seconds',    '1d 2h'],
  [0.999,     'ratio',      '99.9 %'],
  [1 / 3,     'ratio',      '33.33 %'],
  [512,       'bytes',      '512 B'],
  [1_536,     'bytes',      '1.5 KiB'],
  [37.5,      'per-second', '37.5/s'],
  [12_345,    'count',      '12345'],
  [0.1 + 0.2, 'unknown',    '0.3'],
  [1e-7,      'unknown',    '1e-7'],
  [Infinity,  'seconds',    '+Inf'],
];

for (const [value, unit, expected] of values) {
  t.test(`${value} ${unit} reads ${expected}`, async (t) => {
    t.equal(formatValue(value, unit), expected);
  });
}

t.test('the human forms are those of Prometheus', async (t) => {
  t.equal(humanize(1_234_567), '1.235M');
  t.equal(humanize(-0.0012), '-1.2m');
  t.equal(humanize(0), '0');
  t.equal(humanize1024(1_048_576), '1Mi');
  t.equal(humanize1024(0.5), '0.5');
  t.equal(humanizeDuration(90_061), '1d 1h 1m 1s');
  t.equal(humanizeDuration(3_600), '1h 0m 0s');
  t.equal(humanizeDuration(-61), '-1m 1s');
  t.equal(humanizeDuration(4.5), '4.5s');
  t.equal(humanizeDuration(0), '0s');
});
