// Run as a process of its own: makes an edit around look-ups that go on, and is killed before the step of the swap it is told.

import { parseCommand } from 'iptables-parser'
import { editAround } from '../../../src/service/incremental/rebuild.ts'
import { withLock } from '../../../src/service/lock.ts'
import { readSettings } from '../../../src/service/settings.ts'

const [last = '', ...words] = process.argv.slice(2)
const settings = readSettings()

await withLock(settings, 0, () =>
  editAround(settings, [parseCommand(words, 4)], {
    before: step => {
      if (step === last) process.kill(process.pid, 'SIGKILL')
    },
  }),
)
