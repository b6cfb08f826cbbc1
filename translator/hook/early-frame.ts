// How programs end that only drop early: what the rules drop is dropped here if that is certain, and counted then.

import { emitFlush } from '../emit/log.ts'
import { emitCertain } from './certain.ts'
import type { HookFrame } from './hook.ts'
import type { IngressAccess } from './ingress.ts'

/** Of the frame of a hook that judges; `conntrack` where the rules ask for connections. */
export const earlyFrame = (frame: HookFrame, access: IngressAccess, conntrack: boolean): HookFrame => ({
  ...frame,
  maps: [],
  confirm: (assembler, request, { pass }) => {
    emitCertain(assembler, request, access, conntrack, pass)
    emitFlush(assembler, request.record, pass)
  },
})
