import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** When the newest module of a directory was written, in milliseconds since 1970. */
function newest(directory: string): number {
  const times = readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.js'))
    .map(name => statSync(join(root, directory, name)).mtimeMs)
  return Math.max(...times)
}

test('what the launchers load was bundled after it was compiled last: npm run build does both', t => {
  const bundled = statSync(join(root, 'dist/bundle/run.js')).mtimeMs
  for (const directory of ['dist/src', 'dist/translator', 'rules/dist'])
    t.true(newest(directory) <= bundled, directory)
})
