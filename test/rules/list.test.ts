// What -L shows of our tables of rules, against what iptables-legacy showed of them (see test/kernel/list.test.ts). Of extensions that
// no kernel at hand has (notInEveryKernel) it is what `iptables-legacy -v -A` shows before the kernel refuses the rule.

import { readFileSync } from 'node:fs'
import test from 'ava'
import { listTable, parseSave } from 'iptables-parser'
import { fixtureFiles } from './extension-cases.ts'
import { goldenPath, goldenText, listBatch, listBatches, listForms } from './list-cases.ts'

for (const file of fixtureFiles().filter(one => listBatches(one).length > 0))
  test(file.name, t => {
    const shown = goldenText(file, (batch, form) => listBatch(batch, listForms[form]?.[1] ?? {}))
    t.is(shown, readFileSync(goldenPath(file.name), 'utf8'))
  })

/** No table can ask for a program that is pinned; iptables-legacy was shown one by hand. */
test('a pinned program', t => {
  const text = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m bpf --object-pinned /sys/fs/bpf/x\nCOMMIT\n'
  const [table] = parseSave(text, { family: 4 }).tables
  const shown = table && listTable(table, { family: 4, numeric: true })
  t.is(
    shown?.split('\n')[2],
    '           0    --  0.0.0.0/0            0.0.0.0/0           match bpf pinned /sys/fs/bpf/x',
  )
})
