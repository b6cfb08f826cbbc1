import type { InterfacePattern, Ruleset } from 'iptables-parser'

/** A name a network device can have, and sysctl does not mean otherwise (dev_valid_name, net/core/dev.c). */
const isDeviceName = (name: string): boolean =>
  /^[^\s/:]{1,15}$/.test(name) && !['.', '..', 'all', 'default', 'lo'].includes(name)

/** A device that a pattern means: for `ppp+`, ppp0. */
const exampleOf = ({ name, wildcard }: InterfacePattern): string => (wildcard ? `${name || 'any'}0` : name)

const patternsOf = ({ tables }: Ruleset): readonly InterfacePattern[] =>
  tables
    .flatMap(({ chains }) => chains)
    .flatMap(({ rules }) => rules)
    .flatMap(({ inInterface, outInterface }) => [inInterface, outInterface])
    .flatMap(term => (term === undefined ? [] : [term.value]))

/** At least these, so that there is one to forward to and one that few rules name. */
const usual = ['eth0', 'eth1', 'other9'] as const

/** The devices to test a rule set with: those it names, up to `limit`, and the usual ones. */
export const devicesOf = (ruleset: Ruleset, limit = 12): readonly string[] => {
  const named = patternsOf(ruleset).map(exampleOf).filter(isDeviceName)
  return [...new Set([...new Set(named)].slice(0, limit).concat(usual))]
}
