import type { Random } from '../harness/random.ts'

/** A filter table whose INPUT, and one or two other chains, call `run` behind rules of INPUT. */
export const sketchTable = (random: Random, input: readonly string[], run: readonly string[]): string =>
  [
    '*filter',
    `:INPUT ${random.pick(['ACCEPT', 'DROP'])} [0:0]`,
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':run - [0:0]',
    ...input,
    '-A INPUT -j run',
    ...(random.chance(0.5) ? ['-A FORWARD -p udp -j run'] : ['-A FORWARD -j run', '-A OUTPUT -j run']),
    ...run,
    'COMMIT\n',
  ].join('\n')
