import { readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

type Launcher = typeof import('../src/cli/launch.ts')

const root = fileURLToPath(new URL('../..', import.meta.url))

/** When the newest module of a directory was written, in milliseconds since 1970. */
function newest(directory: string): number {
  const times = readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.js'))
    .map(name => statSync(join(root, directory, name)).mtimeMs)
  return Math.max(...times)
}

test('what the launchers load was bundled after it was compiled last: npm run build does both', t => {
  const bundled = statSync(join(root, 'dist/bundle/commands.cjs.cache')).mtimeMs
  for (const directory of ['dist/src', 'dist/translator', 'rules/dist'])
    t.true(newest(directory) <= bundled, directory)
})

test('the code kept of the commands is taken by the Node.js that made it', t => {
  const launcher = createRequire(import.meta.url)(join(root, 'dist/bundle/launch.cjs'))
  t.false((launcher as Launcher).compileCommands().cachedDataRejected)
})

test('the FFI is where the launchers look for it first', t => {
  const require = createRequire(join(root, 'dist/bundle/launch.cjs'))
  const { ffiPath } = require('./launch.cjs') as Launcher
  t.is(require(ffiPath), require('koffi').default)
})
