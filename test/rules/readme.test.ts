// The examples of rules/README.md and rules/docs/json.md: they run, and print what stands below them.

import { readFileSync } from 'node:fs'
import test from 'ava'
import * as parser from 'iptables-parser'
import { parseJson, toJson } from 'iptables-parser'

const read = (path: string): string =>
  readFileSync(new URL(`../../../rules/${path}`, import.meta.url), 'utf8')

interface Example {
  readonly code: string
  /** What it prints, where the text says so. */
  readonly output: string | undefined
}

function examples(text: string): readonly Example[] {
  const blocks = [...text.matchAll(/^```(ts|text)\n(.*?)^```$/gms)]
  return blocks.flatMap(([, language, code = ''], index) => {
    const next = blocks[index + 1]
    return language === 'ts' ? [{ code, output: next?.[1] === 'text' ? next[2] : undefined }] : []
  })
}

/** Runs an example; what it logs, or else the value of its last line. */
function run(code: string): unknown {
  const logged: unknown[] = []
  const names = /^import \{ (.*) \} from 'iptables-parser'$/m.exec(code)?.[1] ?? ''
  const lines = code
    .replace(/^import .*$/m, '')
    .trimEnd()
    .split('\n')
  const last = lines.at(-1) ?? ''
  const body = /^[a-zA-Z]+\(/.test(last) ? [...lines.slice(0, -1), `return ${last}`] : lines
  const script = new Function('parser', 'console', `const { ${names} } = parser\n${body.join('\n')}`)
  const value: unknown = script(parser, { log: (text: unknown) => logged.push(text) })
  return logged.length > 0 ? logged.join('\n') : value
}

for (const [index, { code, output }] of examples(read('README.md')).entries())
  test(`example ${index + 1} of the README`, t => {
    const value = run(code)
    if (output === undefined) t.deepEqual(value, { verdict: 'drop', path: [{ chain: 'INPUT', number: 1 }] })
    else t.is(String(value).trimEnd(), output.trimEnd())
  })

test('the example of docs/json.md reads, and is printed so', t => {
  const [, example = ''] = /^```json\n(.*?)^```$/ms.exec(read('docs/json.md')) ?? []
  t.deepEqual(JSON.parse(JSON.stringify(toJson(parseJson(example)))), JSON.parse(example))
})
