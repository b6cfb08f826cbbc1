/**
 * Lines for INPUT that ask for source prefixes of many lengths and for ports, so no look-up holds them, and for a mark under a mask, so no tree in a map does:
 * they are trees as code, and some 1,300 of them take far jumps.
 */
export const prefixRules = (count: number): string =>
  Array.from({ length: count }, (_, n) => {
    const network = `${1 + ((n * 7919) % 223)}.${(n * 104_729) % 256}.${(n * 31) % 256}.0/${17 + (n % 8)}`
    return `-A INPUT -s ${network} -p tcp -m tcp --dport ${n * 40}:${n * 40 + 1000} -m mark --mark 0x1/0x5 -j ${n % 2 ? 'ACCEPT' : 'DROP'}\n`
  }).join('')
