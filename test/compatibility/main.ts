// `npm run compatibility`: counts what translates and what does not, and writes docs/compatibility.md.

import { writeFileSync } from 'node:fs'
import { document, documentPath } from './document.ts'

const text = document()
if (text === undefined) {
  process.stderr.write('there are no rule files and cases in ../shared: nothing to count\n')
  process.exitCode = 1
} else {
  writeFileSync(new URL(`../../../${documentPath}`, import.meta.url), text)
  for (const [line] of text.matchAll(/^(?:Of|\d+ (?:files|cases)).*$/gm)) process.stdout.write(`${line}\n`)
  process.stdout.write(`written to ${documentPath}\n`)
}
