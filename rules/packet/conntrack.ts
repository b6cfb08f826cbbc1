/** Connection states, as conntrack gives them to a packet. */
export type ConntrackState = 'INVALID' | 'ESTABLISHED' | 'RELATED' | 'NEW' | 'UNTRACKED'

/** IPS_* bits that --ctstatus can ask for, in the order iptables-save prints them. */
export const conntrackStatuses = ['EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'] as const
export type ConntrackStatus = (typeof conntrackStatuses)[number]

export type ConntrackDirection = 'ORIGINAL' | 'REPLY'

/** One direction of a connection. */
export interface Tuple {
  readonly protocol: number
  readonly source: bigint
  readonly destination: bigint
  /** What conntrack keeps in the place of ports where the protocol has none (an ICMP id, a GRE key), or 0. */
  readonly sourcePort: number
  readonly destinationPort: number
}

/** What a connection has counted in one direction. */
export interface ConntrackCounters {
  readonly packets: bigint
  readonly bytes: bigint
}

/** What conntrack knows of a packet. Evaluating a rule that asks for what is left out throws EvaluationError. */
export interface Conntrack {
  readonly state: ConntrackState
  /** The source was translated (IPS_SRC_NAT). */
  readonly snat?: boolean
  /** The destination was translated (IPS_DST_NAT). */
  readonly dnat?: boolean
  readonly direction?: ConntrackDirection
  readonly original?: Tuple
  readonly reply?: Tuple
  readonly status?: readonly ConntrackStatus[]
  /** Seconds left. */
  readonly expires?: number
  readonly mark?: number
  /** Numbers of the labels that are set, 0 to 127. */
  readonly labels?: readonly number[]
  /** Helper of the connection that expected this one; '' where there is none. */
  readonly helper?: string
  /** Present only where the kernel counts (net.netfilter.nf_conntrack_acct). */
  readonly counters?: Readonly<Record<ConntrackDirection, ConntrackCounters>>
}

/** Whether there is a connection behind the packet (nf_ct_get yields one). */
export const isTracked = (conntrack: Conntrack | undefined): conntrack is Conntrack =>
  conntrack !== undefined && conntrack.state !== 'INVALID' && conntrack.state !== 'UNTRACKED'
