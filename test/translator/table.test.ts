import test from 'ava'
import { parseSave } from 'iptables-parser'
import { shareOut } from '../../translator/table.ts'

const shares = (text: string) => {
  const { own, left } = shareOut(parseSave(text, { family: 4 }))
  return {
    own: own.tables.map(({ name }) => name),
    left: left.map(({ table, reason }) => `${table.name}: ${reason}`),
  }
}

test('raw and mangle are ours where all their rules translate', t => {
  t.deepEqual(
    shares(
      '*raw\n-A PREROUTING -p udp -j DROP\nCOMMIT\n*mangle\n-A POSTROUTING -m owner --uid-owner 0\nCOMMIT\n*filter\nCOMMIT\n',
    ),
    { own: ['raw', 'mangle', 'filter'], left: [] },
  )
})

test('one rule that does not translate leaves the whole table, and is named', t => {
  const { own, left } = shares(
    '*mangle\n:USED - [0:0]\n-A PREROUTING -j DROP\n-A INPUT -j USED\n-A USED -j MARK --set-mark 1\nCOMMIT\n*filter\nCOMMIT\n',
  )
  t.deepEqual(own, ['filter'])
  t.is(left.length, 1)
  t.regex(left[0] ?? '', /^mangle: -A USED -j MARK --set-xmark 0x1\/0xffffffff: it sets the packet mark/)
})

test('what no packet gets to is in nobody’s way', t => {
  t.deepEqual(shares('*raw\n:UNUSED - [0:0]\n-A UNUSED -j NOTRACK\nCOMMIT\n').own, ['raw'])
})

test('what a hook does not know leaves a table', t => {
  const { left } = shares('*raw\n:ALL - [0:0]\n-A PREROUTING -j ALL\n-A ALL -m rpfilter -j ACCEPT\nCOMMIT\n')
  t.regex(left[0] ?? '', /^raw: -A ALL -m rpfilter/)
})

test('nat and security are never ours, and the filter table always', t => {
  t.deepEqual(shares('*nat\nCOMMIT\n*security\nCOMMIT\n*filter\n-A INPUT -j REJECT\nCOMMIT\n'), {
    own: ['filter'],
    left: ['nat: addresses are translated by the kernel', 'security: security marks are set by the kernel'],
  })
})
