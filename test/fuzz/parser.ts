// `npm run fuzz -- [SECONDS] [SEED]`: fuzzes the parser, 30 seconds unless said otherwise. Real rule sets (from ../shared/rulesets, where
// they are), made-up ones and the cases of fixtures/ are mutated and read; as root, iptables-legacy-restore --test is asked about
// some of them. The exit status is 1 where something is wrong (see fuzz.ts); what is only refused too strictly is reported.

import { type Fault, fuzz } from './fuzz.ts'

const MOST_FAULTS = 20

const [seconds = 30, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const deadline = Date.now() + seconds * 1000

const { runs, asked, faults, refusals } = fuzz({
  seed,
  goOn: () => Date.now() < deadline,
  askEvery: process.geteuid?.() === 0 ? 8 : undefined,
  slowMilliseconds: 1000,
})

const show = ({ what, text, family }: Fault): string => `${what}\n(IPv${family})\n${text}\n`

for (const found of [...refusals.slice(0, MOST_FAULTS), ...faults.slice(0, MOST_FAULTS)])
  process.stdout.write(`${show(found)}\n`)
process.stdout.write(
  `${runs} files, ${asked} of them given to iptables-legacy-restore: ${faults.length} faults, ${refusals.length} refused too strictly, seed ${seed}\n`,
)
process.exitCode = faults.length > 0 ? 1 : 0
