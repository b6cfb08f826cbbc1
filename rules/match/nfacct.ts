import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { parseName, printName } from '../value/name.ts'

export interface NfacctMatch {
  readonly kind: 'nfacct'
  /** Of an accounting object made with nfacct(8). */
  readonly name: string
}

/** NFACCT_NAME_MAX. */
const SIZE = 32

export const nfacct = defineMatch<NfacctMatch>()({
  name: 'nfacct',
  options: { 'nfacct-name': option(text => parseName(text, SIZE, 'accounting object'), { required: true }) },
  build: given => ({ kind: 'nfacct', name: given['nfacct-name']?.value ?? '' }),
  // iptables-save prints two blanks here
  print: match => ` --nfacct-name  ${printName(match.name)}`,
  list: match => ` nfacct-name  ${match.name}`,
})
