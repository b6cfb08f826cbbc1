// Run as a process of its own by swap.test.ts: applies a file and is killed before the step it is told.

import { readFileSync } from 'node:fs'
import { parseSave } from 'iptables-parser'
import { applyChanges } from '../../src/service/apply.ts'
import { hookChoices, readSettings } from '../../src/service/settings.ts'

const [file = '', last = '', chosen = 'auto'] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')
const hook = hookChoices.find(choice => choice === chosen) ?? 'auto'

await applyChanges(
  readSettings(),
  () => [
    {
      ruleset: parseSave(text, { family: 4, name: file }),
      text,
      carry: { kind: 'text' },
      setCounters: false,
    },
  ],
  {
    hook,
    wait: 0,
    before: step => {
      if (step === last) process.kill(process.pid, 'SIGKILL')
    },
  },
)
