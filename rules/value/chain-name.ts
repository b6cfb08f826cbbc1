import { quote } from './quote.ts'

/** A chain's name as a word of a rule: bare, as iptables-save prints it, but for the one character with which it could not be read back. */
export const printChainName = (name: string): string => (name.includes('"') ? quote(name) : name)
