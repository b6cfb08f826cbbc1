// Keeps the code that V8 makes of the commands, for all who start them later (src/cli/launch.ts): that of the functions run by then. So it runs what
// anyone may run, and what is printed goes nowhere.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import launcher from '../dist/bundle/launch.cjs'

const { cachePath, compileCommands, evaluateCommands } = launcher
const rules = fileURLToPath(new URL('../fixtures/rulesets/demo/rules.v4', import.meta.url))

const script = compileCommands()
const { perform } = evaluateCommands(script)
await perform('bpftables', ['fmt', rules])
await perform('bpftables', ['convert', rules])
await perform('iptables', ['--version'])
writeFileSync(cachePath, script.createCachedData())
