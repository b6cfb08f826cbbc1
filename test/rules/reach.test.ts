import test from 'ava'
import { type Family, parseSave, RuleError } from 'iptables-parser'

const read = (family: Family, ...lines: readonly string[]) =>
  parseSave(`${lines.join('\n')}\nCOMMIT\n`, { family })

/** `line:column` of the refusal. */
function refusedAt(family: Family, ...lines: readonly string[]): string | undefined {
  try {
    read(family, ...lines)
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    const { source, start } = error.span ?? { source: { text: '' }, start: 0 }
    const before = source.text.slice(0, start).split('\n')
    return `${error.code} ${before.length}:${(before.at(-1) ?? '').length + 1}`
  }
  return undefined
}

test('a target may stand in a user chain below the base chains it is for', t => {
  const chain = ['*nat', ':OUT - [0:0]', ':MORE - [0:0]', '-A OUT -g MORE', '-A MORE -j MASQUERADE']
  t.notThrows(() => read(4, ...chain, '-A POSTROUTING -j OUT'))
  t.notThrows(() => read(4, ...chain), 'and in one that nothing leads to')
})

test('a target is refused in a user chain below another base chain', t => {
  const chain = ['*nat', ':OUT - [0:0]', ':MORE - [0:0]', '-A OUT -g MORE', '-A MORE -j MASQUERADE']
  t.is(refusedAt(4, ...chain, '-A POSTROUTING -j OUT', '-A PREROUTING -j OUT'), 'ERR_EXTENSION 5:9')
})

test('where a target may stand can depend on its options', t => {
  const rule = (options: string) => [
    '*mangle',
    ':SYN - [0:0]',
    `-A SYN -p tcp -m tcp --syn -j TCPMSS ${options}`,
    '-A INPUT -j SYN',
  ]
  t.notThrows(() => read(4, ...rule('--set-mss 1400')))
  t.is(refusedAt(4, ...rule('--clamp-mss-to-pmtu')), 'ERR_EXTENSION 3:28')
})
