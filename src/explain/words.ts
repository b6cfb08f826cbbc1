// A packet as words: the options that a rule for that packet alone would have.

/** The match that an option belongs to, where the protocol does not bring it along. */
const matchOf: Readonly<Record<string, string>> = {
  '--ctstate': 'conntrack',
  '--state': 'state',
  '--mark': 'mark',
  '--mac-source': 'mac',
  '--ttl': 'ttl',
  '--ttl-eq': 'ttl',
  '--hl-eq': 'hl',
  '--tos': 'tos',
  '--length': 'length',
  '--pkt-type': 'pkttype',
  '--uid-owner': 'owner',
  '--gid-owner': 'owner',
}

/** The words with the `-m` that iptables would ask for. */
export function withMatches(words: readonly string[]): string[] {
  const loaded = new Set(
    words.filter((_, index) => words[index - 1] === '-m' || words[index - 1] === '--match'),
  )
  return words.flatMap(word => {
    const match = matchOf[word]
    if (match === undefined || loaded.has(match)) return [word]
    loaded.add(match)
    return ['-m', match, word]
  })
}
