// The collection of rule sets to measure against, whole: real ones, and ones in the style of ClassBench.

import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Family } from 'iptables-parser'
import { sharedFolder } from './shared.ts'

export interface CollectedFile {
  /** `real/fwbuilder/firewall4.iptables-save`. */
  readonly name: string
  readonly family: Family
  readonly text: string
}

/** By name; undefined where there is no collection. */
export function collectedFiles(): readonly CollectedFile[] | undefined {
  const folder = sharedFolder('rulesets/')
  if (!folder) return undefined
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /tables-save$|\.rules\.gz$/.test(name))
    .sort()
    .map(name => ({
      name,
      family: name.endsWith('ip6tables-save') ? 6 : 4,
      text: readText(new URL(name, folder)),
    }))
}

function readText(url: URL): string {
  const bytes = readFileSync(url)
  return (url.pathname.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}
