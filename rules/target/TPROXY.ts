import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { parseAddress, printAddress } from '../value/address.ts'
import { type MaskedMark, parseMark } from '../value/mark.ts'
import { printMarkChange } from '../value/mark-change.ts'
import { parseAnyPort } from '../value/port.ts'
import { protocols } from '../value/protocol.ts'

/** Hands packets to a local socket without changing them. */
export interface TproxyTarget {
  readonly kind: 'TPROXY'
  /** 0: the packet's own destination port. */
  readonly port: number
  /** 0: the address of the device the packet came in by. */
  readonly address: bigint
  /** Goes into the packet's mark. */
  readonly mark: MaskedMark
}

export const TPROXY = defineTarget<TproxyTarget>()({
  name: 'TPROXY',
  tables: ['mangle'],
  chains: ['PREROUTING'],
  protocols: [protocols.tcp, protocols.udp],
  options: {
    'on-port': option(parseAnyPort, { required: true }),
    'on-ip': option((text, { family }) => parseAddress(text, family)),
    'tproxy-mark': option(text => parseMark(text)),
  },
  build: given => ({
    kind: 'TPROXY',
    port: given['on-port']?.value ?? 0,
    address: given['on-ip']?.value ?? 0n,
    mark: given['tproxy-mark']?.value ?? { value: 0, mask: 0 },
  }),
  print: ({ port, address, mark }, { family }) =>
    ` --on-port ${port} --on-ip ${printAddress(family, address)} --tproxy-mark ${printMarkChange(mark)}`,
  list: ({ port, address, mark }, { family }) =>
    ` TPROXY redirect ${printAddress(family, address)}:${port} mark ${printMarkChange(mark)}`,
})
