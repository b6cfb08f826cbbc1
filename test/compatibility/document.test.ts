import test from 'ava'
import { golden } from '../golden.ts'
import { document, documentPath } from './document.ts'

const text = document()
if (text === undefined)
  test.skip(`${documentPath} is not stale (skipped: no rule files in ../shared)`, t => t.fail())
else test(`${documentPath} is what npm run compatibility writes`, t => golden(t, documentPath, text))
