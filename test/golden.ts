// Golden files: what an output was when somebody last looked at it. UPDATE_GOLDENS=1 rewrites them.

import { readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'

const { UPDATE_GOLDENS: update } = process.env

/** Asserts that `text` is what the file holds; `path` is relative to the root of the project. */
export const golden = (t: ExecutionContext, path: string, text: string): void => {
  if (update === '1') writeFileSync(path, text)
  t.is(text, readFileSync(path, 'utf8'))
}
