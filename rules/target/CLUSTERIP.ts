import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { type MacAddress, parseMac, printMac } from '../value/mac.ts'
import { maximum, parseNumber } from '../value/number.ts'

const HASH_MODES = ['sourceip', 'sourceip-sourceport', 'sourceip-sourceport-destport'] as const

/** What of a connection decides which node answers it. */
export type ClusterHashMode = (typeof HASH_MODES)[number]

/** A cluster address as its first rule sets it up. */
export interface ClusterSetup {
  readonly hashMode: ClusterHashMode
  readonly mac: MacAddress
  readonly totalNodes: number
  readonly localNode: number
  readonly hashInit: number
}

/** Gone from Linux since 6.3. */
export interface ClusteripTarget {
  readonly kind: 'CLUSTERIP'
  /** Absent: an address that an earlier rule has set up. */
  readonly setup?: ClusterSetup
}

/** CLUSTERIP_MAX_NODES. */
const LAST_NODE = 16
/** The lowest bit of the first byte: a group address. */
const GROUP = 2 ** 40

function parseMode(text: string): ClusterHashMode {
  const mode = HASH_MODES.find(one => one === text)
  if (!mode)
    throw new RuleError('ERR_VALUE', `"${text}" is not a hash mode`, {
      hint: `modes are ${HASH_MODES.join(', ')}`,
    })
  return mode
}

function parseGroupMac(text: string): MacAddress {
  const mac = parseMac(text)
  if (Math.floor(mac / GROUP) % 2 === 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a multicast MAC address`)
  return mac
}

const nodes = (first: number) => option(text => parseNumber(text, first, LAST_NODE, 'node'))

export const CLUSTERIP = defineTarget<ClusteripTarget>()({
  name: 'CLUSTERIP',
  families: [4],
  options: {
    new: flag(),
    hashmode: option(parseMode),
    clustermac: option(parseGroupMac),
    'total-nodes': nodes(0),
    'local-node': nodes(1),
    'hash-init': option(text => parseNumber(text, 0, maximum(32), 'hash seed')),
  },
  build(given) {
    const {
      new: isNew,
      hashmode,
      clustermac,
      'total-nodes': total,
      'local-node': local,
      'hash-init': init,
    } = given
    if (isNew && hashmode && clustermac && total && local) {
      const nodes = { totalNodes: total.value, localNode: local.value }
      const setup = { hashMode: hashmode.value, mac: clustermac.value, ...nodes, hashInit: init?.value ?? 0 }
      return { kind: 'CLUSTERIP', setup }
    }
    if (Object.keys(given).length > 0)
      throw new RuleError('ERR_OPTION', 'CLUSTERIP needs either none of its options or all', {
        hint: 'a new cluster address needs --new, --hashmode, --clustermac, --total-nodes and --local-node',
      })
    return { kind: 'CLUSTERIP' }
  },
  print: ({ setup }) =>
    setup
      ? ` --new --hashmode ${setup.hashMode} --clustermac ${printMac(setup.mac).toUpperCase()}` +
        ` --total-nodes ${setup.totalNodes} --local-node ${setup.localNode} --hash-init ${setup.hashInit}`
      : '',
  list: ({ setup }) =>
    ' CLUSTERIP' +
    (setup
      ? ` hashmode=${setup.hashMode} clustermac=${printMac(setup.mac).toUpperCase()}` +
        ` total_nodes=${setup.totalNodes} local_node=${setup.localNode} hash_init=${setup.hashInit}`
      : ''),
})
