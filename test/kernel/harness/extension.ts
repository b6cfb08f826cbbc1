import type { Layer } from '../../packet/layer.ts'

/** Extension headers of IPv6 that packets are sent with. None says to be longer than the packet: Linux 6.12.117 drops those, and 6.18 does not. */
export const extensionChains: readonly (readonly Layer[])[] = [
  [{ kind: 'hopopt' }],
  [{ kind: 'hopopt', options: '050200000100' }],
  [{ kind: 'dstopt' }],
  [{ kind: 'dstopt', options: '010c000000000000000000000000' }],
  [{ kind: 'route' }],
  [{ kind: 'route', type: 0, left: 1, data: '0000000020010db8000000000000000000000003' }],
  [{ kind: 'ah' }],
  [{ kind: 'ah', spi: 70000 }],
  [{ kind: 'frag', id: 77 }],
  [{ kind: 'frag', more: 1, id: 78 }],
  [{ kind: 'hopopt' }, { kind: 'dstopt' }, { kind: 'route' }, { kind: 'ah' }],
  [{ kind: 'dstopt' }, { kind: 'frag', more: 1, id: 79 }],
  [{ kind: 'route' }, { kind: 'dstopt' }],
]

/** What rules ask of them. */
export const extensionMatches: readonly string[] = [
  '-m rt --rt-type 2',
  '-m rt ! --rt-type 0',
  '-m rt --rt-segsleft 1:4294967295',
  '-m rt ! --rt-segsleft 0 --rt-type 0',
  '-m frag --fragfirst',
  '-m frag --fragmore',
  '-m frag --fraglast',
  '-m frag ! --fragid 77',
  '-m frag --fragid 70:78',
  '-m hbh --hbh-len 8',
  '-m hbh ! --hbh-len 16',
  '-m dst --dst-len 8',
  '-m dst ! --dst-len 8',
  '-m ah --ahspi 256',
  '-m ah ! --ahspi 0:1000',
  '-m rt --rt-type 0 --rt-0-addrs 2001:db8::3',
  '-m rt --rt-type 0 --rt-0-addrs 2001:db8::3 --rt-0-not-strict',
  '-m dst --dst-opts 1',
  '-m hbh --hbh-opts 5:2',
  '-m hbh ! --hbh-len 16 --hbh-opts 1:4',
  '-m srh ! --srh-tag 1',
  '-m ipv6header --header ipv6-opts,protocol',
  '-m ipv6header --header ipv6-route --soft',
  '-m ipv6header ! --header hop-by-hop --soft',
  '-m ipv6header --header ipv6-frag,protocol',
]
