// A router with a client on one side and a server on the other that knows no way back but to the router itself:
//
//     far (client)               near (router)                    server
//     outside 192.0.2.2 -------- inside 192.0.2.1
//                                back 198.51.100.1 -------------- front 198.51.100.2

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { runIn } from './installation.ts'
import { succeed } from './passing.ts'
import type { Scratch } from './scratch.ts'

export interface Service {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

export interface Question extends Service {
  readonly host: string
  /** Milliseconds to wait for an answer. */
  readonly patience: number
}

export interface Router {
  /** What a namespace was answered, in order. */
  readonly ask: (side: 'client' | 'router', questions: readonly Question[]) => readonly string[]
}

const worker = new URL('nat-worker.js', import.meta.url).pathname

/** Lends the router, with services on itself and on the server. */
export async function withRouter(
  { near, far }: Scratch,
  services: { readonly router: readonly Service[]; readonly server: readonly Service[] },
  body: (router: Router) => void,
): Promise<void> {
  const server = `${near}s`
  connectServer(near, far, server)
  const ends = [await start(near, services.router), await start(server, services.server)]
  try {
    body({
      ask: (side, questions) => {
        const namespace = side === 'client' ? far : near
        const command = [process.execPath, worker, 'ask', JSON.stringify(questions)]
        return JSON.parse(succeed(runIn(namespace, command))) as string[]
      },
    })
  } finally {
    for (const end of ends) await end()
    execFileSync('ip', ['netns', 'delete', server])
  }
}

function connectServer(near: string, far: string, server: string): void {
  const ip = (...words: readonly string[]): unknown => execFileSync('ip', words)
  ip('netns', 'add', server)
  ip('-n', near, 'link', 'add', 'back', 'type', 'veth', 'peer', 'name', 'front', 'netns', server)
  ip('-n', near, 'address', 'add', '198.51.100.1/24', 'dev', 'back')
  ip('-n', server, 'address', 'add', '198.51.100.2/24', 'dev', 'front')
  ip('-n', near, 'link', 'set', 'back', 'up')
  ip('-n', server, 'link', 'set', 'front', 'up')
  ip('-n', far, 'route', 'add', 'default', 'via', '192.0.2.1')
  execFileSync('nsenter', [`--net=/run/netns/${near}`, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}

async function start(namespace: string, services: readonly Service[]): Promise<() => Promise<void>> {
  const command = [
    `--net=/run/netns/${namespace}`,
    process.execPath,
    worker,
    'serve',
    JSON.stringify(services),
  ]
  const child = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}
