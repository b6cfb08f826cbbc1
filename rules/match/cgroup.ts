import { RuleError } from '../error.ts'
import { EvaluationError } from '../evaluation-error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { quote, utf8Length } from '../value/quote.ts'

/** The control group of the local socket. */
export type CgroupMatch =
  | {
      readonly kind: 'cgroup'
      /** net_cls.classid of the group. */
      readonly classId: Term<number>
    }
  | {
      readonly kind: 'cgroup'
      /** The group of cgroup v2, from its root, or one below it. */
      readonly path: Term<string>
    }

/** Of the kernel's field, with its NUL. */
const PATH_SIZE = 512

function parsePath(text: string): string {
  if (utf8Length(text) >= PATH_SIZE)
    throw new RuleError('ERR_VALUE', 'the path is too long', { hint: `at most ${PATH_SIZE - 1} bytes` })
  return text
}

export const cgroup = defineMatch<CgroupMatch>()({
  name: 'cgroup',
  chains: ['INPUT', 'OUTPUT', 'POSTROUTING'],
  options: {
    cgroup: option(text => parseNumber(text, 0, maximum(32), 'class'), {
      negatable: true,
      excludes: ['path'],
    }),
    path: option(parsePath, { negatable: true, excludes: ['cgroup'] }),
  },
  requiresOneOf: ['cgroup', 'path'],
  build(given) {
    const classId = asTerm(given.cgroup)
    if (classId) return { kind: 'cgroup', classId }
    return { kind: 'cgroup', path: asTerm(given.path) ?? { value: '/', negated: false } }
  },
  print: match =>
    'classId' in match ? printTerm('cgroup', match.classId, String) : printTerm('path', match.path, quote),
  list: match =>
    ` cgroup ${'classId' in match ? showTerm(match.classId, String, '! ') : showTerm(match.path, String, '! ')}`,
  evaluate(match, { classId = 0 }) {
    if ('path' in match) throw new EvaluationError('the packet does not say which control group it is of')
    return agrees(match.classId, value => value === classId)
  },
})
