import test from 'ava'
import {
  type ParseOptions,
  parseSave,
  printRuleset,
  RuleError,
  type RuleErrorCode,
  restoreSave,
} from 'iptables-parser'

const file = (...lines: readonly string[]): string =>
  ['*filter', ':CHAIN - [0:0]', ...lines, 'COMMIT', ''].join('\n')

const read = (rule: string, options: Partial<ParseOptions> = {}) =>
  parseSave(file(`-A INPUT ${rule}`), { family: 4, ...options })

const ruleOf = (rule: string) => read(rule).tables[0]?.chains[0]?.rules[0]

const printed = (rule: string): string | undefined =>
  printRuleset(read(rule))
    .split('\n')
    .find(line => line.startsWith('-A'))
    ?.slice('-A INPUT '.length)

const keeps = test.macro<[string, string?]>({
  exec: (t, rule, expected = rule) => {
    t.is(printed(rule), expected)
    t.is(printed(expected), expected)
  },
  title: (_, rule) => `kept: ${rule}`,
})

test(keeps, '-m geoip --source-country DE,FR -j ACCEPT')
test(keeps, '-s 192.0.2.0/24 -p tcp -m tcp --dport 22 -m psd -j DROP')
test(keeps, '-p tcp -m geoip ! --source-country A1 --dport 22 -m comment --comment "a b" -j DROP')
test(keeps, '-m ndpi --proto "a \\"quoted\\" word" --flag -j ACCEPT')
test(keeps, '-j TARPIT --tarpit --level 5')
test(keeps, '-m new --offset -5 ! --odd "" -j NEWER --to [2001:db8::1]:80')
test(keeps, '-m new --x 1 ! -s 192.0.2.1 -j ACCEPT', '! -s 192.0.2.1/32 -m new --x 1 -j ACCEPT')
test(keeps, '-m new --x 1 --jump ACCEPT', '-m new --x 1 -j ACCEPT')
test(keeps, '-m new "-j" -j ACCEPT')

test('an unknown match is told by its name and its words, as they were written', t => {
  const [match] = ruleOf('-m geoip ! --source-country "D E" -j ACCEPT')?.matches ?? []
  t.like(match, { kind: 'unknown', name: 'geoip', words: ['!', '--source-country', '"D E"'] })
  const { source, start, end } = match?.span ?? { source: { text: '' }, start: 0, end: 0 }
  t.is(source.text.slice(start, end), '-m geoip ! --source-country "D E"')
})

test('an unknown target is told by its name and its words', t => {
  const { target } = ruleOf('-p tcp -j TARPIT --tarpit') ?? {}
  t.like(target, { kind: 'unknown', name: 'TARPIT', words: ['--tarpit'] })
})

test('a match called unknown is no less unknown', t => {
  t.is(printed('-m unknown --x -j ACCEPT'), '-m unknown --x -j ACCEPT')
})

const refuses = test.macro<[string, RuleErrorCode, Partial<ParseOptions>?]>({
  exec: (t, rule, code, options = {}) => {
    const error = t.throws(() => read(rule, options), { instanceOf: RuleError })
    t.is(error?.code, code)
    t.truthy(error?.span)
  },
  title: (given, rule) => `refused${given ? ` ${given}` : ''}: ${rule}`,
})

test(refuses, '-j MISSING', 'ERR_CHAIN')
test(refuses, '-m tcp -p tcp -j MISSING', 'ERR_CHAIN')
test(refuses, '-g MISSING --x', 'ERR_OPTION')
test('by a chain', refuses, '-j CHAIN --tarpit', 'ERR_OPTION')
test('where it is asked for', refuses, '-m geoip --x -j ACCEPT', 'ERR_EXTENSION', {
  unknownExtensions: 'refuse',
})
test('with a target, where it is asked for', refuses, '-j TARPIT --x', 'ERR_OPTION', {
  unknownExtensions: 'refuse',
})

test('options of other extensions behind a chain are still theirs', t => {
  t.is(printed('-p tcp -j CHAIN --dport 22'), '-p tcp -m tcp --dport 22 -j CHAIN')
})

test('restoring refuses them, as iptables-restore does', t => {
  const empty = parseSave(file(), { family: 4 })
  const error = t.throws(() => restoreSave(empty, file('-A INPUT -m geoip --x')), { instanceOf: RuleError })
  t.is(error?.refusal?.text, "Couldn't load match `geoip':No such file or directory\n")
})
