import test from 'ava'
import { KernelError } from '../../../src/kernel/error.ts'
import { ServiceError } from '../../../src/service/error.ts'
import { explainMissing } from '../../../src/service/missing.ts'

const unrelated = [
  new KernelError('ERR_PERMISSION', 'not allowed'),
  new KernelError('ERR_ATTACH', 'taken'),
  new ServiceError('ERR_DEVICE', 'there is no device nil'),
  new Error('internal'),
]

for (const error of unrelated)
  test(`a failure that no missing feature can cause comes back as it is: ${error.message}`, t => {
    t.is(explainMissing(error, 'tc'), error)
  })
