// What this project does, in a few seconds: `npm run demo`. As root in a network namespace of its own, else in this process.

import { plainDemo } from './demo/plain.ts'
import { rootDemo } from './demo/root.ts'
import { lacking } from './needs.ts'
import { endQuietlyOnClosedPipe } from './pipe.ts'

const INTERRUPTED = 130

// commands that were started end on their own: the terminal interrupts them as well
process.once('SIGINT', () => process.exit(INTERRUPTED))

endQuietlyOnClosedPipe()

const reason = lacking()
const shown = reason === undefined ? await rootDemo() : reason
const right = typeof shown === 'string' ? await plainDemo(shown) : shown
process.exitCode = right ? 0 : 1
