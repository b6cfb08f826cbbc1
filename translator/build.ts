// From planned chains to a program: prologue, base chain, functions, maps.

import type { Family } from 'iptables-parser'
import { movImmediate } from './asm/alu.ts'
import { type Assembler, createAssembler } from './asm/assembler.ts'
import { exit } from './asm/jump.ts'
import { r0 } from './asm/register.ts'
import type { CounterArray, CounterPlace } from './counter.ts'
import { chainFunction, type EmitContext, emitBaseChain, type PlannedPolicy } from './emit/chain.ts'
import { counterMap, countFunction } from './emit/count.ts'
import { needsOf } from './emit/needs.ts'
import { frameOf } from './hook/registry.ts'
import { type Lane, laneName, programType } from './lane.ts'
import type { Plan } from './plan.ts'
import type { FunctionSpec, ProgramSpec } from './program.ts'

/** The plan of one family in a program, and its base chain's policy. */
export interface FamilyPlan {
  readonly family: Family
  readonly plan: Plan
  readonly policy: PlannedPolicy
}

/** Builds the program of a lane out of one plan, or at hooks that see both families two. */
export function buildProgram(
  lane: Lane,
  plans: readonly FamilyPlan[],
  place: (rule: number) => CounterPlace,
): ProgramSpec {
  const arrays = new Map<string, CounterArray>()
  const remember = (rule: number): CounterPlace => {
    const found = place(rule)
    arrays.set(found.array.name, found.array)
    return found
  }
  const main = mainFunction(lane, plans, remember)
  const chains = plans.flatMap(({ plan, family }) => {
    const context = contextOf(plan, family, remember)
    return [...plan.functions]
      .map(name => plan.chains.get(name))
      .flatMap(chain => (chain ? [chainFunction(context, chain)] : []))
  })
  return {
    name: laneName(lane).replaceAll('-', '_').slice(0, NAME_LENGTH),
    hook: lane.hook,
    type: programType(lane.hook),
    license: 'Dual MIT/GPL',
    functions: [main, ...chains, ...[...arrays.keys()].map(array => countFunction(array, lane.hook))],
    maps: [...[...arrays.values()].map(counterMap), ...frameOf(lane).maps],
  }
}

/** BPF_OBJ_NAME_LEN, less its NUL. */
const NAME_LENGTH = 15

const contextOf = (
  { chains, functions }: Plan,
  family: Family,
  place: EmitContext['place'],
): EmitContext => ({ family, chains, functions, place })

function mainFunction(lane: Lane, plans: readonly FamilyPlan[], place: EmitContext['place']): FunctionSpec {
  const assembler = createAssembler()
  const frame = frameOf(lane)
  const ways = { pass: assembler.label('pass'), refuse: assembler.label('refuse') }
  const requests = plans.map(({ family, plan }) => ({
    family,
    ready: assembler.label(`ipv${family}`),
    ...needsOf(plan, family),
  }))
  frame.prologue(assembler, requests, ways)
  for (const [index, { family, plan, policy }] of plans.entries()) {
    const request = requests[index]
    if (request) assembler.place(request.ready)
    emitBaseChain(assembler, contextOf(plan, family, place), plan.base, policy, frame.verdicts)
  }
  emitWay(assembler, ways.pass, frame.verdicts.accept)
  emitWay(assembler, ways.refuse, frame.verdicts.drop)
  return {
    name: 'filter',
    parameters: [{ name: 'ctx', type: { kind: 'context' } }],
    instructions: assembler.assemble(),
  }
}

function emitWay(assembler: Assembler, label: Parameters<Assembler['place']>[0], verdict: number): void {
  assembler.place(label)
  assembler.emit(movImmediate(r0, verdict), exit())
}
