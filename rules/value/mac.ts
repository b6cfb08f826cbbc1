import { RuleError } from '../error.ts'

/** An Ethernet address: its six bytes, the first one highest. */
export type MacAddress = number

export function parseMac(text: string): MacAddress {
  const bytes = text.split(':')
  if (bytes.length !== 6 || !bytes.every(byte => /^[0-9a-f]{1,2}$/i.test(byte)))
    throw new RuleError('ERR_VALUE', `"${text}" is not a MAC address`, {
      hint: 'write it as 02:00:00:ab:cd:ef',
    })
  return bytes.reduce((address, byte) => address * 256 + Number.parseInt(byte, 16), 0)
}

export const printMac = (address: MacAddress): string =>
  (address.toString(16).padStart(12, '0').match(/../g) ?? []).join(':')
