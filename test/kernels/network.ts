// The guest is a machine of its own, so its first namespace is the one that is filtered; a namespace beside it sends the packets.

import { execFileSync } from 'node:child_process'
import { answeredEchoes, answeredEchoesDuring, type Path } from '../kernel/echo.ts'
import { hostMac, peerMac } from '../packet/link.ts'

/** The device that packets come in by. */
export const inside = 'inside'

/** Under emulation, on a machine with other work to do, an answer can take long. */
const PATIENCE = 3000

const far: Path = {
  namespace: 'far',
  device: 'outside',
  from: '192.0.2.2',
  to: '192.0.2.1',
  patience: PATIENCE,
}

const ip = (line: string): void => {
  execFileSync('ip', line.split(' '), { stdio: ['ignore', 'ignore', 'inherit'] })
}

export function connect(): void {
  ip('link set lo up')
  ip('netns add far')
  ip(`link add ${inside} address ${hostMac} type veth peer name outside address ${peerMac} netns far`)
  ip(`address add 192.0.2.1/24 dev ${inside}`)
  ip(`link set ${inside} up`)
  ip('-n far link set outside up')
  ip(`neighbour add 192.0.2.2 lladdr ${peerMac} dev ${inside}`)
}

/** How many of so many echo requests from outside are answered. */
export const echoes = (count: number): number => answeredEchoes(far, count)

export const echoesDuring = (count: number, meanwhile: () => void): Promise<number> =>
  answeredEchoesDuring(far, count, meanwhile)
