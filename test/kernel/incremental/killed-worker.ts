// Run as a process of its own: makes an edit as map updates and is killed before the step it is told.

import { parseCommand } from 'iptables-parser'
import { editQuickly } from '../../../src/service/incremental/quick.ts'
import { withLock } from '../../../src/service/lock.ts'
import { readSettings } from '../../../src/service/settings.ts'

const [last = '', ...words] = process.argv.slice(2)
const settings = readSettings()

await withLock(settings, 0, () =>
  editQuickly(settings, [parseCommand(words, 4)], {
    before: step => {
      if (step === last) process.kill(process.pid, 'SIGKILL')
    },
  }),
)
