import type { Contender } from './contender.ts'

/** The receive path without any rules, up to where the packets of all contenders end at the latest (see ends.ts). */
export const nothing: Contender = {
  name: 'no rules',
  load: () => ({ milliseconds: 0, close: () => {} }),
}
