import test from 'ava'
import { encodeMessage, readAnswers, readMessages } from '../../../src/kernel/netlink.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('a message is a header and padded attributes', t => {
  const message = {
    type: 0x0a06,
    flags: 5,
    family: 1,
    attributes: [
      { kind: 'text', type: 1, text: 'ab' },
      { kind: 'nested', type: 4, attributes: [{ kind: 'be32', type: 2, value: 1 }] },
      { kind: 'u8', type: 3, value: 7 },
    ],
  } as const
  t.is(
    hex(encodeMessage(message, 9)),
    [
      '30000000060a05000900000000000000',
      '01000000',
      '0700010061620000',
      '0c000480',
      '0800020000000001',
      '0500030007000000',
    ].join(''),
  )
})

test('acknowledgements and errors are read, other messages passed over', t => {
  const words = [36, 2, 4, 0, -2, 0, 0, 0, 0, 20, 16, 1, 0, 0, 36, 2, 5, 0, 0, 0, 0, 0, 0]
  t.deepEqual(readAnswers(new Uint8Array(Int32Array.from(words).buffer)), [
    { sequence: 4, errno: 2 },
    { sequence: 5, errno: 0 },
  ])
})

test('what is listed comes as messages, several at a time', t => {
  const words = [20, 0x0a06, 1, 0, 0xabcd, 16, 3, 1, 0]
  t.deepEqual(
    readMessages(new Uint8Array(Int32Array.from(words).buffer)).map(({ type, payload }) => [
      type,
      hex(payload),
    ]),
    [
      [0x0a06, 'cdab0000'],
      [3, ''],
    ],
  )
})
