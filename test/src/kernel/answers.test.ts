import test from 'ava'
import { answerTo, learnAnswers, vmlinuxAnswers } from '../../../src/kernel/btf/answers.ts'

test('vmlinux is asked once, a module each time', t => {
  let asked = 0
  const ask = (module?: string) => () => ({ value: ++asked, module })
  t.is(answerTo('size of a', ask()).value, 1)
  t.is(answerTo('size of a', ask()).value, 1)
  t.is(answerTo('size of b', ask('nf_conntrack')).value, 2)
  t.is(answerTo('size of b', ask('nf_conntrack')).value, 3)
  t.deepEqual([...vmlinuxAnswers], [['size of a', 1]])
})

test('answers of another process are taken as they are', t => {
  learnAnswers([['size of c', 12]])
  const ask = () => t.fail()
  t.deepEqual(answerTo('size of c', ask as never), { value: 12, module: undefined })
})
