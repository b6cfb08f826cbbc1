import test from 'ava'
import { parseSave } from 'iptables-parser'
import { needsConntrack } from '../../translator/conntrack.ts'

const asks = (rule: string): boolean =>
  needsConntrack([parseSave(`*filter\n-A INPUT ${rule}\nCOMMIT\n`, { family: 4 })])

test('connections are tracked where a rule asks for anything of them, as iptables would have it', t => {
  for (const rule of [
    '-m state --state NEW',
    '-m conntrack --ctdir REPLY',
    '-m connmark --mark 1',
    '-m helper --helper ftp',
    '-m connlimit --connlimit-above 3',
  ])
    t.true(asks(rule), rule)
})

test('and only there', t => {
  for (const rule of ['-p tcp -m tcp --dport 22', '-m mark --mark 1']) t.false(asks(rule), rule)
})
