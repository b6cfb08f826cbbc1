import { isSentFromInside, type Path, type Probe } from './probe.ts'

/** Where packets that arrive on a device go: `local`, or out of another device. */
export type Course = { readonly kind: 'local' } | { readonly kind: 'out'; readonly device: string }

/** Probes that can be sent without changing a route: each device sends all it receives on one course. */
export interface Phase {
  readonly courses: ReadonlyMap<string, Course>
  readonly probes: readonly Probe[]
}

interface OpenPhase extends Phase {
  readonly courses: Map<string, Course>
  readonly probes: Probe[]
}

const courseOf = (path: Path): Course =>
  path.hook === 'FORWARD' ? { kind: 'out', device: path.out } : { kind: 'local' }

/** Whether two courses are one. */
export const sameCourse = (a: Course, b: Course): boolean =>
  a.kind === 'local' ? b.kind === 'local' : b.kind === 'out' && a.device === b.device

const takes = ({ courses }: Phase, probe: Probe): boolean => {
  if (isSentFromInside(probe.path)) return true
  const course = courses.get(probe.path.device)
  return course === undefined || sameCourse(course, courseOf(probe.path))
}

/**
 * The probes in as few phases as a first fit finds. A flow's probes keep their order: none goes into an
 * earlier phase than the one before it.
 */
export const schedule = (probes: readonly Probe[]): readonly Phase[] => {
  const phases: OpenPhase[] = []
  const reached = new Map<string, number>()
  for (const probe of probes) {
    const earliest = probe.flow === undefined ? 0 : (reached.get(probe.flow) ?? 0)
    const found = phases.findIndex((phase, index) => index >= earliest && takes(phase, probe))
    const index = found < 0 ? phases.length : found
    const phase = phases[index] ?? { courses: new Map<string, Course>(), probes: [] }
    phases[index] = phase
    phase.probes.push(probe)
    if (!isSentFromInside(probe.path)) phase.courses.set(probe.path.device, courseOf(probe.path))
    if (probe.flow !== undefined) reached.set(probe.flow, index)
  }
  return phases
}
