import test from 'ava'
import { RuleError } from 'iptables-parser'
import { describeError, exitCodeOf, UsageError } from '../../../src/cli/error.ts'
import { ServiceError } from '../../../src/service/error.ts'

test('an error says what is wrong and what to do, one of ours also where', t => {
  t.is(
    describeError(new ServiceError('ERR_STATE', 'it is damaged', 'mend it')),
    'it is damaged\nhint: mend it',
  )
  t.is(describeError(new RuleError('ERR_VALUE', 'no such port')), 'no such port')
  t.regex(describeError(new TypeError('x is undefined')), /^internal error: TypeError: x is undefined\n +at /)
  t.is(describeError('text'), 'internal error: text')
})

test('exit codes are those of the contract', t => {
  t.is(exitCodeOf(new UsageError('how?')), 2)
  t.is(exitCodeOf(new ServiceError('ERR_SETTING', 'what?')), 2)
  t.is(exitCodeOf(new ServiceError('ERR_LOCKED', 'wait')), 4)
  t.is(exitCodeOf(new RuleError('ERR_VALUE', 'no')), 1)
  t.is(exitCodeOf(undefined), 1)
})
