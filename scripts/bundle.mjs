// Joins what the launchers in bin/ run into one file: to read some 350 modules one by one takes longer than most commands do. Then runs some commands
// and keeps the code that V8 made of them.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))

rmSync('dist/bundle', { recursive: true, force: true })
const options = {
  outdir: 'dist/bundle',
  bundle: true,
  // Node.js takes 5 ms less to start it than modules of its own kind
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  platform: 'node',
  target: `node${/[\d.]+/.exec(engines.node)}`,
  define: { 'import.meta.url': 'bundleUrl' },
  sourcemap: true,
  logLevel: 'warning',
}
const bundleUrl = 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;'
await build({ ...options, entryPoints: ['dist/src/cli/launch.js'], banner: { js: bundleUrl } })
await build({
  ...options,
  entryPoints: ['dist/src/cli/commands.js'],
  // the function that launch.ts calls: to put it around the text there would copy that once more
  banner: { js: `(function (module, require, __filename) {${bundleUrl}` },
  footer: { js: '})' },
  // less to read for every command; names and lines stay, for what an error says
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  alias: {
    'escalade/sync': './scripts/escalade.mjs',
    'string-width': './scripts/string-width.mjs',
  },
  // machine code
  external: ['better-sqlite3', 'koffi'],
})
shareShapes('dist/bundle/commands.cjs')

const { status } = spawnSync(process.execPath, ['scripts/warm.mjs'], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
process.exitCode = status ?? 1

/**
 * Each module is a function in an object of its own, under the name of its file. To V8 these are hundreds of shapes, which take a millisecond to make; under
 * one name they are one. What follows stays where the source map says.
 */
function shareShapes(path) {
  const source = readFileSync(path, 'latin1')
  const shared = source.replace(/(?<=\b__esm\(\{)"[^"]+"(?=\(\)\{)/g, name => '_'.padEnd(name.length))
  writeFileSync(path, shared, 'latin1')
}
