// Joins what the launchers in bin/ load into few files: reading some 350 modules one by one takes longer than most commands do.
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const { dependencies, engines } = JSON.parse(readFileSync('package.json', 'utf8'))
const commands = ['iptables-edit', 'iptables-restore', 'iptables-save', 'main', 'run']

rmSync('dist/bundle', { recursive: true, force: true })
await build({
  entryPoints: commands.map(name => `dist/src/cli/${name}.js`),
  outdir: 'dist/bundle',
  bundle: true,
  // what only some commands need stays apart, and is loaded when they need it
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: `node${/[\d.]+/.exec(engines.node)}`,
  external: Object.keys(dependencies).filter(name => name !== 'iptables-parser'),
  sourcemap: true,
  logLevel: 'warning',
})
