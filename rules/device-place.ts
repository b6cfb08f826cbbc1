// Base chains whose packets have no device on one side, so that iptables takes no rule there which asks for one (iptables/xshared.c).

/** Packets come in by none. */
export const FROM_HERE: ReadonlySet<string> = new Set(['OUTPUT', 'POSTROUTING'])

/** Packets leave by none, as far as is known. */
export const TO_HERE: ReadonlySet<string> = new Set(['INPUT', 'PREROUTING'])
