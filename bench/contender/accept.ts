// The least that a program at netfilter can do. What it costs beyond no rules is the kernel's way there and the dispatcher.

import { movImmediate } from '../../translator/asm/alu.ts'
import { exit } from '../../translator/asm/jump.ts'
import { r0 } from '../../translator/asm/register.ts'
import { frameOf } from '../../translator/hook/registry.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { type JudgedLane, programOf } from './judge.ts'

/** Accepts every packet, uncounted. */
export const acceptProgram = (lane: JudgedLane): ProgramSpec =>
  programOf(lane, 'accept', [movImmediate(r0, frameOf(lane).verdicts.accept), exit()])
