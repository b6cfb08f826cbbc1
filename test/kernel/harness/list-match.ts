// Matches that walk along a list behind the transport header, and packets whose lists are odd.

import type { Family } from 'iptables-parser'

export const chunkTests = [
  'any DATA',
  'any DATA:Be,ABORT:T,INIT',
  'any ALL',
  'any NONE',
  'all DATA,SACK',
  'all DATA:BE,COOKIE_ECHO',
  'all NONE',
  'all ALL',
  'only DATA,SACK',
  'only DATA:U,I_FORWARD_TSN',
  'only ALL',
  'only NONE',
] as const

export const dccpOptions = [1, 2, 32, 255] as const

const data = (flags: string): string => `00${flags}001461626364000000000000000061626364`
const sack = '03000010000000010000100000000000'
const abort = '06010004'
const allTypes = Array.from({ length: 256 }, (_, type) => `${type.toString(16).padStart(2, '0')}000004`).join(
  '',
)

export const chunkLists = [
  '',
  data('00'),
  data('03'),
  data('02'),
  data('04') + data('0f'),
  data('03') + sack,
  sack + data('03') + abort,
  // padded, and a last chunk whose padding is not there
  `0003000561000000${sack}`,
  `${sack}0a00000561`,
  `0a000005610000${data('03')}`,
  // a length of less than the chunk's own four bytes
  `00030001${sack}`,
  '0a0000020003000403000004',
  // no length, at the beginning and behind others
  '00030000',
  `${data('03')}03000000`,
  `${sack}00000000`,
  // cut off in the header of the second, and one that goes on beyond the packet
  `${data('03')}0300`,
  `${data('03')}030000`,
  '0003ffff',
  '030000ff00000001',
  'c2000004c2000004',
  `${'0e000004'.repeat(300)}00020004`,
  allTypes,
  allTypes.slice(8),
  `${allTypes.slice(0, -8)}00000000`,
]

/** A DCCP header from its data offset on: bytes 4 to 7, what stands in byte 8, three more, and the rest. */
const header = (offset: number, eighth: number, rest: string): string =>
  `${offset.toString(16).padStart(2, '0')}000000${eighth.toString(16).padStart(2, '0')}000000${rest}`

const REQUEST = 0
const DATA = 4
const ACK = 6
const RESET = 14
const UNKNOWN = 22
const LONG = 1

const dccpHeaders = [
  header(3, DATA, ''),
  header(4, DATA, '20030001'),
  header(4, DATA, '01010102'),
  header(4, DATA, '00000020'),
  header(5, DATA, '2006000000000201'),
  header(5, DATA, '2100ff0300000000'),
  // a length beyond the options, one of 0, and the last byte without one
  header(4, DATA, '21ff2020'),
  header(4, DATA, '21002000'),
  header(4, DATA, '00000021'),
  header(4, DATA, '21030020'),
  // options that are not there, and an offset inside of the header
  header(8, DATA, '20030001'),
  header(4, DATA, '200300'),
  header(2, DATA, '20030001'),
  header(0, DATA, ''),
  header(4, DATA + LONG, '00000000'),
  header(5, DATA + LONG, '0000000020030001'),
  header(3, DATA + LONG, '20202020'),
  header(4, REQUEST, '00000001'),
  header(5, REQUEST, '00000001ff030001'),
  header(6, ACK, '0000000000000000ff030001'),
  header(5, ACK, ''),
  header(7, ACK + LONG, '000000000000000000000000ff030001'),
  header(6, RESET, '000000000000000000000000'),
  header(7, RESET, '00000000000000000000000001020304'),
  header(7, UNKNOWN, '00000000000000000000000002020304'),
  header(255, DATA, `${'01'.repeat(1007)}20`),
  header(255, DATA, '01'.repeat(1007)),
]

/** Each list in a packet for a port, as text. */
export const chunkPackets = (family: Family, port: number): readonly string[] =>
  chunkLists.map(list => {
    const sctp = `ether / ${family === 4 ? 'ip' : 'ip6'} / sctp dport=${port}`
    return list === '' ? sctp : `${sctp} / raw hex=${list}`
  })

export const dccpPackets = (family: Family, port: number): readonly string[] =>
  dccpHeaders.map(
    bytes =>
      `ether / ${family === 4 ? 'ip proto' : 'ip6 next'}=33 / raw hex=9c40${port.toString(16).padStart(4, '0')}${bytes}`,
  )

export interface ListCase {
  readonly name: string
  readonly rules: readonly string[]
  readonly packets: readonly string[]
}

const bothWays = (name: string, option: string): readonly string[] => [
  `-m ${name} --dport PORT ${option}`,
  `-m ${name} --dport PORT ! ${option}`,
]

/** What stands behind a malformed list is still asked where the match is negated: sometimes it holds. */
const beside = (name: string, option: string): readonly string[] =>
  ['', ' -m length --length 0:60', ' -m length --length 200:'].flatMap(other =>
    bothWays(name, option).map(one => one + other),
  )

const FIRST_PORT = 1000

/** Rules of one protocol, each for a port of its own: it drops what it finds malformed. */
function listCase(
  name: string,
  asked: readonly string[],
  packetsTo: (port: number) => readonly string[],
): ListCase {
  const [protocol = ''] = name.split(' ')
  return {
    name,
    rules: asked.map((one, index) => `-p ${protocol} ${one.replace('PORT', `${FIRST_PORT + index}`)}`),
    packets: asked.flatMap((_, index) => packetsTo(FIRST_PORT + index)),
  }
}

export const listCases = (family: Family): readonly ListCase[] => {
  const chunks = (port: number) => chunkPackets(family, port)
  return [
    listCase(
      'sctp',
      chunkTests.flatMap(test => bothWays('sctp', `--chunk-types ${test}`)),
      chunks,
    ),
    listCase('sctp beside others', beside('sctp', '--chunk-types any DATA:B'), chunks),
    listCase(
      'dccp',
      dccpOptions.flatMap(option => bothWays('dccp', `--dccp-option ${option}`)),
      port => dccpPackets(family, port),
    ),
    listCase('dccp beside others', beside('dccp', '--dccp-option 32'), port => dccpPackets(family, port)),
  ]
}
