import test from 'ava'
import { parseRules, position, printRuleset, RuleError } from 'iptables-parser'

const rulesOf = (text: string): string[] =>
  printRuleset(parseRules(text, { family: 4 }))
    .split('\n')
    .filter(line => /^[*:-]/.test(line) && !/ACCEPT \[0:0\]$/.test(line))

const scripts: Readonly<Record<string, readonly [text: string, ...printed: readonly string[]]>> = {
  'commands are run in order': [
    'iptables -N web\niptables -A INPUT -j web\niptables -I INPUT -i lo -j ACCEPT\niptables -D INPUT -j web\n',
    '*filter',
    ':web - [0:0]',
    '-A INPUT -i lo -j ACCEPT',
  ],
  'a command goes on behind a backslash': [
    'iptables -A INPUT \\\n  -p udp \\\n  -j DROP\niptables -P INPUT DROP',
    '*filter',
    ':INPUT DROP [0:0]',
    '-A INPUT -p udp -j DROP',
  ],
  'quotes are the shell’s': [
    `iptables -A INPUT -m comment --comment 'a "b"' -j ACCEPT\niptables -A INPUT -m comment --comment "c \\"d\\" \\$e" -j DROP`,
    '*filter',
    '-A INPUT -m comment --comment "a \\"b\\"" -j ACCEPT',
    '-A INPUT -m comment --comment "c \\"d\\" $e" -j DROP',
  ],
  'tables and commands mix': [
    '*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\niptables -t raw -A OUTPUT -j DROP\niptables -A INPUT -p udp -j DROP\n*nat\nCOMMIT\n',
    '*filter',
    '-A INPUT -p tcp -j ACCEPT',
    '-A INPUT -p udp -j DROP',
    '*raw',
    '-A OUTPUT -j DROP',
    '*nat',
  ],
  'a table read later empties what commands put there': [
    'iptables -A INPUT -j DROP\n*filter\n-A OUTPUT -j DROP\nCOMMIT\n',
    '*filter',
    '-A OUTPUT -j DROP',
  ],
  'the other family’s commands are left out': [
    'ip6tables -A INPUT -s ::1 -j DROP\niptables -A INPUT -s 192.0.2.1 -j DROP\n',
    '*filter',
    '-A INPUT -s 192.0.2.1/32 -j DROP',
  ],
  'what commands ask goes unanswered': [
    'iptables -L -n\niptables -A INPUT -j DROP # for good\n',
    '*filter',
    '-A INPUT -j DROP',
  ],
}

for (const [title, [text, ...printed]] of Object.entries(scripts))
  test(title, t => {
    t.deepEqual(rulesOf(text), [...printed])
  })

const faults: Readonly<
  Record<string, readonly [text: string, line: number, column: number, message: string]>
> = {
  'a variable': ['iptables -A INPUT -i $WAN -j DROP', 1, 22, 'only a shell can work this out'],
  'a variable in quotes': ['iptables -A INPUT -i "$WAN" -j DROP', 1, 23, 'only a shell can work this out'],
  'output sent elsewhere': ['iptables -F >/dev/null', 1, 13, 'only a shell can work this out'],
  'an open quote': ["iptables -A INPUT -m comment --comment 'x", 1, 40, 'a quote is opened but not closed'],
  'another command': [
    'iptables -F\nmodprobe ip_tables\n',
    2,
    1,
    'this is neither an iptables command nor part of a table',
  ],
  'a wrong rule in a continued line': ['iptables -F\niptables -A INPUT \\\n --dport x -j DROP', 3, 2, ''],
  'a wrong rule in a table behind commands': [
    'iptables -F\n*filter\n-A INPUT -p nosuch\nCOMMIT\n',
    3,
    10,
    '',
  ],
}

for (const [title, [text, line, column, message]] of Object.entries(faults))
  test(`${title} is an error with its place`, t => {
    const error = t.throws(() => parseRules(text, { family: 4 }), { instanceOf: RuleError })
    t.truthy(error?.span)
    if (error?.span) t.deepEqual(position(error.span), { line, column })
    if (message !== '') t.is(error?.message.split('\n')[0], message)
  })
