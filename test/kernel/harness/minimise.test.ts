import test from 'ava'
import { minimise } from './minimise.ts'

const rules = (lines: readonly string[], chains: readonly string[] = []): string =>
  [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ...chains.map(chain => `:${chain} - [0:0]`),
    ...lines,
    'COMMIT',
    '',
  ].join('\n')

const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `-A INPUT -p ${index} -j user`)

test('only the rules that a failure needs are left, and the chains they name', async t => {
  const fails = async (text: string) => /-p 3 /.test(text) && /-p 17 /.test(text)
  t.is(
    await minimise(rules([...numbered(30), '-A other -j user'], ['other', 'user']), fails),
    rules(['-A INPUT -p 3 -j user', '-A INPUT -p 17 -j user'], ['user']),
  )
})

test('where the attempts run out, what is left still fails', async t => {
  let asked = 0
  const fails = async (text: string) => {
    asked++
    return [1, 5, 9, 22].every(number => text.includes(`-p ${number} `))
  }
  const text = await minimise(rules(numbered(30), ['user']), fails, 5)
  t.true(asked <= 6)
  t.true(await fails(text))
})
