/** IP version. */
export type Family = 4 | 6

export const iptablesName = (family: Family): 'iptables' | 'ip6tables' =>
  family === 4 ? 'iptables' : 'ip6tables'
