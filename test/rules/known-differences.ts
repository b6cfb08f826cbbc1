// Where iptables' own tables, or iptables-legacy 1.8.9 itself, say other than we do, and why.

export interface KnownDifference {
  /** Name of the file, as in CaseFile. */
  readonly file: string
  readonly rule: string
  /** What is printed instead; undefined where it is refused. */
  readonly instead: string | undefined
  readonly why: string
}

/** Rules of a file, and what is printed for each instead: `=` where it is as typed, undefined where it is refused. */
type Instead = Readonly<Record<string, Readonly<Record<string, string | undefined>>>>

const because = (why: string, files: Instead): readonly KnownDifference[] =>
  Object.entries(files).flatMap(([file, rules]) =>
    Object.entries(rules).map(([rule, instead]) => ({
      file,
      rule,
      instead: instead === '=' ? rule : instead,
      why,
    })),
  )

/** iptables' own tables (1.8.9) on the left, what this parser does under `instead`. */
export const differentFromUpstream: readonly KnownDifference[] = [
  ...because('only a kernel knows which accounting objects there are', {
    'libxt_nfacct.t': { '-m nfacct --nfacct-name wrong': '-m nfacct --nfacct-name  wrong' },
  }),
]

/** Our fixtures on the left, what iptables-legacy 1.8.9 does under `instead`. */
export const differentFromLegacy: readonly KnownDifference[] = [
  ...because('before 1.8.10 a range that ends before it begins was taken, and nothing lay in it', {
    'match/conntrack.t': { '-m conntrack --ctorigsrcport 3:2': '=', '-m conntrack --ctexpire 6:5': '=' },
    'match/length.t': { '-m length --length 10:5': '=' },
  }),
  ...because('before 1.8.10 a range of all numbers was dropped even where it was negated', {
    'match/udp.t': { '-p udp -m udp ! --sport :': '-p udp -m udp' },
  }),
  ...because('a port that does not fit wraps round', {
    'match/conntrack.t': { '-m conntrack --ctorigsrcport 65536': '-m conntrack --ctorigsrcport 0' },
  }),
  ...because('before 1.8.10 protocol 0 was taken', {
    'match/conntrack.t': {
      '-m conntrack --ctproto 0': '=',
      '-m conntrack --ctproto all': '-m conntrack --ctproto 0',
      '-m conntrack ! --ctproto 0': '=',
    },
  }),
  ...because('a mask that is no prefix, or a length too long, is taken for the whole address', {
    'match/conntrack.4.t': {
      '-m conntrack --ctorigsrc 1.1.1.1/255.0.255.0': '-m conntrack --ctorigsrc 1.1.1.1',
      '-m conntrack --ctorigsrc 1.1.1.1/33': '-m conntrack --ctorigsrc 1.1.1.1',
    },
    'match/connlimit.4.t': {
      '-m connlimit --connlimit-above 5 --connlimit-mask 255.0.255.0':
        '-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr',
      '-m connlimit --connlimit-above 5 --connlimit-mask 33':
        '-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr',
    },
  }),
  ...because(
    'a node mask is held against the number of nodes, so that what is printed for node 6 is not read back',
    {
      'match/cluster.t': {
        '-m cluster --cluster-total-nodes 8 --cluster-local-nodemask 33 --cluster-hash-seed 5': undefined,
      },
    },
  ),
  ...because('a name that is too long is cut', {
    'match/helper.t': {
      '-m helper --helper abcdefghijklmnopqrstuvwxyzabcd': '-m helper --helper abcdefghijklmnopqrstuvwxyzabc',
    },
  }),
]

/** Fixtures about extensions that a kernel may lack, and what they need. */
export const notInEveryKernel: Readonly<Record<string, string>> = {
  'match/ipvs.4.t': 'CONFIG_NETFILTER_XT_MATCH_IPVS',
}
