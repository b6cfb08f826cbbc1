import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageDirectory } from '../package.ts'

/** The version of bpftables, from its package.json. */
export function packageVersion(): string {
  const text = readFileSync(join(packageDirectory, 'package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
