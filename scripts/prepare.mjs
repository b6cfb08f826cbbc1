// Makes a fresh clone ready: installs what package-lock.json names when it is newer than node_modules, compiles, and bundles what the
// launchers load.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

const stamp = 'node_modules/.package-lock.json'
const fresh = existsSync(stamp) && statSync(stamp).mtimeMs >= statSync('package-lock.json').mtimeMs
if (!fresh) run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'])
run(process.execPath, ['scripts/bundle.mjs'])

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
