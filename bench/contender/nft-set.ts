import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../network.ts'
import { type Contender, timed } from './contender.ts'
import { isInstalled } from './iptables.ts'

/** What a person would write by hand instead of the rules: one set, without a counter for each rule. */
export const nftSet: Contender = {
  name: 'nft set, by hand',
  unfit: ({ nft }) => {
    if (nft === undefined) return 'these rules are no set'
    return isInstalled('nft') ? undefined : 'nft is not installed'
  },
  load: (range, { nft = '' }) => {
    const directory = mkdtempSync(join(tmpdir(), 'bpftables-bench-'))
    const file = join(directory, 'set.nft')
    try {
      writeFileSync(file, nft)
      const [milliseconds] = range.inside(() => timed(() => run('nft', ['-f', file])))
      return { milliseconds, close: () => {} }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}
