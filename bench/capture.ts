// Makes docs/demo.svg: the demo's output, as a terminal shows it. `npm run build && sudo node dist/bench/capture.js`

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDirectory } from './demo/rules.ts'
import { terminalSvg } from './terminal-svg.ts'

const demo = join(projectDirectory, 'dist/bench/demo.js')
const { status, stdout } = spawnSync(process.execPath, [demo], {
  encoding: 'utf8',
  env: { ...process.env, NO_COLOR: '', FORCE_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
if (status !== 0) throw new Error(`the demo ended with ${status}`)
const directory = join(projectDirectory, 'docs')
mkdirSync(directory, { recursive: true })
writeFileSync(join(directory, 'demo.svg'), terminalSvg(`$ sudo npm run demo\n${stdout}`, 'npm run demo'))
