import type { ExecutionContext } from 'ava'
import { findKernelType } from '../../src/kernel/btf/kernel.ts'
import { memberOffset } from '../../src/kernel/btf/member.ts'
import * as attribute from '../../src/kernel/sys/attribute.ts'
import { bpf } from '../../src/kernel/sys/bpf.ts'
import { SystemError } from '../../src/kernel/sys/error.ts'
import * as info from '../../src/kernel/sys/info.ts'
import { encode, type Fields, type Layout } from '../../src/kernel/sys/layout.ts'
import { linkIds, programIds } from '../../src/kernel/sys/object.ts'
import { kernelTest } from './needs-kernel.ts'

const required = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`the kernel has no ${what}`)
  return value
}

/** Every field of a layout lies where the kernel's BTF says; `renamed` gives paths of fields we call otherwise. */
const holds = (
  t: ExecutionContext,
  kind: 'struct' | 'union',
  name: string,
  prefix: readonly string[],
  layout: Layout<Fields>,
  renamed: Readonly<Record<string, readonly string[]>> = {},
): void => {
  const { btf, id } = required(findKernelType(kind, name), `${kind} ${name}`)
  for (const [field, { offset }] of Object.entries(layout.fields)) {
    const path = renamed[field] ?? [...prefix, field]
    t.is(offset, memberOffset(btf, id, path) ?? -1, `${name}.${path.join('.')}`)
  }
}

kernelTest('the layouts of bpf_attr are the kernel’s', t => {
  const union = (prefix: readonly string[], layout: Layout<Fields>, renamed = {}) =>
    holds(t, 'union', 'bpf_attr', prefix, layout, renamed)
  union([], attribute.mapCreate)
  union([], attribute.mapElement)
  union(['batch'], attribute.mapBatch)
  union([], attribute.programLoad)
  union([], attribute.btfLoad)
  union([], attribute.object)
  union(['info'], attribute.objectInfo)
  union([], attribute.objectId)
  union(['test'], attribute.testRun)
  union(['link_create'], attribute.linkCreate)
  const tcx = (field: string) => ['link_create', 'tcx', field]
  union(['link_create'], attribute.linkCreateTcx, {
    relative_fd: tcx('relative_fd'),
    expected_revision: tcx('expected_revision'),
  })
  const netfilter = (field: string) => ['link_create', 'netfilter', field]
  union(['link_create'], attribute.linkCreateNetfilter, {
    pf: netfilter('pf'),
    hooknum: netfilter('hooknum'),
    priority: netfilter('priority'),
    netfilter_flags: netfilter('flags'),
  })
  union(['link_update'], attribute.linkUpdate)
  union(['link_detach'], attribute.linkDetach)
})

kernelTest('the layouts of what the kernel tells are its own', t => {
  holds(t, 'struct', 'bpf_prog_info', [], info.programInfo)
  holds(t, 'struct', 'bpf_map_info', [], info.mapInfo)
  holds(t, 'struct', 'bpf_link_info', [], info.linkInfo)
  holds(t, 'struct', 'bpf_link_info', [], info.xdpLinkInfo, { ifindex: ['xdp', 'ifindex'] })
  holds(t, 'struct', 'bpf_link_info', [], info.tcxLinkInfo, {
    ifindex: ['tcx', 'ifindex'],
    attach_type: ['tcx', 'attach_type'],
  })
  holds(t, 'struct', 'bpf_link_info', [], info.netfilterLinkInfo, {
    pf: ['netfilter', 'pf'],
    hooknum: ['netfilter', 'hooknum'],
    priority: ['netfilter', 'priority'],
    flags: ['netfilter', 'flags'],
  })
  holds(t, 'struct', 'bpf_btf_info', [], info.btfInfo)
})

kernelTest('a refused call says what it was for', t => {
  const error = t.throws(() => bpf('BPF_MAP_CREATE', encode(attribute.mapCreate, {}), 'create map nothing'), {
    instanceOf: SystemError,
  })
  t.is(error?.code, 'ERR_SYSTEM')
  t.is(error?.errnoName, 'EINVAL')
  t.is(error?.command, 'BPF_MAP_CREATE')
  t.is(error?.message, 'cannot create map nothing: bpf(BPF_MAP_CREATE): Invalid argument (EINVAL)')
})

kernelTest('ids come in rising order', t => {
  for (const ids of [[...programIds()], [...linkIds()]])
    t.deepEqual(
      ids,
      [...ids].sort((a, b) => a - b),
    )
})
