// Edits that are map updates, through the commands: nothing is loaded anew, and whatever happens in between, rules and kernel agree.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { quickSteps } from '../../../src/service/incremental/quick.ts'
import { answeredEchoes, farToNear } from '../echo.ts'
import { commandPath, type Installation, type Outcome, withInstallation } from '../installation.ts'
import { kernelTest } from '../needs-kernel.ts'

const LISTED = 80

const listed = (value: number): string => `-s 198.51.100.${value}/32 -p icmp -j ACCEPT`

const rules = (count = LISTED): string =>
  [
    '*filter',
    ':INPUT DROP [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ...Array.from({ length: count }, (_, value) => `-A INPUT ${listed(value)}`),
    'COMMIT\n',
  ].join('\n')

/** Of the far end, whose echo requests are answered only where this is in force. */
const edited = '-s 192.0.2.2/32 -p icmp -j ACCEPT'

const succeed = ({ code, stderr, stdout }: Outcome): string => {
  if (code !== 0) throw new Error(stderr)
  return stdout
}

const ping = ({ far }: Installation, count = 1): number => answeredEchoes(farToNear(far), count)

const has = ({ run }: Installation, rule: string): boolean =>
  succeed(run('iptables-save')).includes(`-A INPUT ${rule}\n`)

interface Loaded {
  readonly generation: number
  readonly lanes: readonly { readonly lane: string; readonly programId: number }[]
}

/** What is loaded: the same before and after an edit that loaded nothing. */
function loaded({ run }: Installation): Loaded {
  const { generation, lanes } = JSON.parse(run('bpftables', ['status', '--json']).stdout) as Loaded
  return { generation, lanes: lanes.map(({ lane, programId }) => ({ lane, programId })) }
}

const withRules = (body: (installation: Installation) => void | Promise<void>): Promise<void> =>
  withInstallation(async installation => {
    succeed(installation.run('iptables-restore', [], rules()))
    await body(installation)
  })

kernelTest('an edit inside of a look-up loads nothing', t =>
  withRules(installation => {
    const { run } = installation
    const before = loaded(installation)
    t.is(ping(installation), 0)
    succeed(run('iptables', ['-I', 'INPUT', '40', ...edited.split(' ')]))
    t.is(ping(installation, 3), 3)
    t.regex(succeed(run('iptables', ['-L', 'INPUT', '40', '-v', '-x'])), /^ +3 +/)
    succeed(run('iptables', ['-C', 'INPUT', ...edited.split(' ')]))
    succeed(run('iptables', ['-R', 'INPUT', '40', '-s', '192.0.2.2', '-p', 'icmp', '-j', 'DROP']))
    t.is(ping(installation), 0)
    t.regex(succeed(run('iptables', ['-L', 'INPUT', '40', '-v', '-x'])), /^ +1 +/)
    const missing = run('iptables', ['-C', 'INPUT', ...edited.split(' ')])
    t.is(missing.code, 1)
    t.is(missing.stderr, 'iptables: Bad rule (does a matching rule exist in that chain?).\n')
    succeed(run('iptables', ['-D', 'INPUT', '40']))
    t.deepEqual(loaded(installation), before)
    t.is(succeed(run('iptables-save')).match(/^-A INPUT/gm)?.length, LISTED)
  }),
)

kernelTest('of two rules for the same packets the first decides, and the second once the first has gone', t =>
  withRules(installation => {
    const { run } = installation
    const before = loaded(installation)
    const dropped = edited.replace('ACCEPT', 'DROP').split(' ')
    succeed(run('iptables', ['-A', 'INPUT', ...edited.split(' ')]))
    succeed(run('iptables', ['-A', 'INPUT', ...dropped]))
    t.is(ping(installation, 2), 2)
    succeed(run('iptables', ['-I', 'INPUT', ...dropped, '-m', 'comment', '--comment', 'first']))
    t.is(ping(installation, 2), 0)
    succeed(run('iptables', ['-D', 'INPUT', '1']))
    t.is(ping(installation, 2), 2)
    succeed(run('iptables', ['-D', 'INPUT', ...edited.split(' ')]))
    t.is(ping(installation, 2), 0)
    t.deepEqual(loaded(installation), before)
    t.regex(succeed(run('iptables-save', ['-c'])), /\[2:\d+\] -A INPUT -s 192.0.2.2\/32 -p icmp -j DROP\n/)
  }),
)

const worker = fileURLToPath(new URL('./killed-worker.js', import.meta.url))

function editKilled({ near, environment }: Installation, ...words: readonly string[]): string | null {
  const args = [`--net=/run/netns/${near}`, process.execPath, worker, ...words]
  return spawnSync('nsenter', args, { env: { ...process.env, ...environment } }).signal
}

for (const step of quickSteps)
  kernelTest(`an edit killed before the step "${step}" leaves rules and kernel agreeing`, t =>
    withRules(installation => {
      const { run } = installation
      const before = loaded(installation)
      t.is(editKilled(installation, step, '-A', 'INPUT', ...edited.split(' ')), 'SIGKILL')
      const there = has(installation, edited)
      t.is(there, step === 'maps' || step === 'mark')
      t.is(ping(installation, 2), there ? 2 : 0)
      if (!there) succeed(run('iptables', ['-A', 'INPUT', ...edited.split(' ')]))
      t.is(editKilled(installation, step, '-D', 'INPUT', ...edited.split(' ')), 'SIGKILL')
      const gone = !has(installation, edited)
      t.is(gone, there)
      t.is(ping(installation, 2), gone ? 0 : 2)
      t.deepEqual(loaded(installation), before)
      succeed(run('iptables', ['-A', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT']))
      t.is(has(installation, edited), !gone)
    }),
  )

kernelTest('edits made at once are all made', t =>
  withRules(async installation => {
    const before = loaded(installation)
    const values = [101, 102, 103, 104, 105, 106]
    const codes = await Promise.all(
      values.map(async value => {
        const command = [commandPath('iptables'), '-A', 'INPUT', ...listed(value).split(' ')]
        const args = [`--net=/run/netns/${installation.near}`, ...command]
        const child = spawn('nsenter', args, { env: { ...process.env, ...installation.environment } })
        const [code] = await once(child, 'exit')
        return code
      }),
    )
    t.deepEqual(
      codes,
      values.map(() => 0),
    )
    t.deepEqual(
      values.filter(value => !has(installation, listed(value))),
      [],
    )
    t.deepEqual(loaded(installation), before)
  }),
)

kernelTest('a few lines restored into a look-up load nothing', t =>
  withRules(installation => {
    const { run } = installation
    const before = loaded(installation)
    const lines = [`-A INPUT ${edited}`, `-D INPUT ${listed(3)}`, `-I INPUT 5 ${listed(120)}`]
    succeed(run('iptables-restore', ['-n', '-w'], ['*filter', ...lines, 'COMMIT\n'].join('\n')))
    t.deepEqual(loaded(installation), before)
    t.is(ping(installation, 2), 2)
    t.false(has(installation, listed(3)))
    t.regex(succeed(run('iptables', ['-S', 'INPUT', '5'])), /-s 198\.51\.100\.120/)
    const wrong = ['*filter', `-A INPUT ${listed(130)}`, `-D INPUT ${listed(3)}`, 'COMMIT\n'].join('\n')
    t.is(run('iptables-restore', ['-n'], wrong).code, 1)
    t.false(has(installation, listed(130)))
  }),
)

kernelTest('what rules counted that were taken out is in the history', t =>
  withRules(installation => {
    const { run } = installation
    succeed(run('bpftables', ['stats']))
    succeed(run('iptables', ['-A', 'INPUT', ...edited.split(' ')]))
    t.is(ping(installation, 3), 3)
    succeed(run('iptables', ['-D', 'INPUT', ...edited.split(' ')]))
    succeed(run('iptables', ['-A', 'INPUT', ...edited.split(' ')]))
    t.is(ping(installation, 2), 2)
    const counted = (...words: string[]): number =>
      JSON.parse(succeed(run('bpftables', ['stats', '--json', ...words]))).find(
        ({ rule }: { rule: string }) => rule === `-A INPUT ${edited}`,
      ).packets
    t.is(counted(), 2)
    t.is(counted('--since', '1h'), 5)
    t.is(counted('--since', '1h'), 5)
    succeed(run('iptables', ['-D', 'INPUT', ...edited.split(' ')]))
    succeed(run('iptables', ['-A', 'INPUT', '-p', 'tcp', '-j', 'ACCEPT']))
    succeed(run('iptables', ['-A', 'INPUT', ...edited.split(' ')]))
    t.is(ping(installation, 1), 1)
    t.is(counted('--since', '1h'), 6)
  }),
)
