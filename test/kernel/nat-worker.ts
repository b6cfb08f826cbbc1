// Ends of flows, in a process of the namespace it is started in: `serve` answers until it is ended, `ask` prints the answers.

import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import type { Question, Service } from './nat-flow.ts'

/** Every answer says who seemed to ask. */
const answerTo = (text: string, address = ''): string => `${text} from ${address}`

const serve = (services: readonly Service[]): Promise<unknown> =>
  Promise.all(
    services.map(
      ({ protocol, port }) =>
        new Promise<void>(ready => {
          if (protocol === 'tcp')
            createServer(socket =>
              socket.once('data', data => socket.end(answerTo(`${data}`, socket.remoteAddress))),
            ).listen(port, '0.0.0.0', ready)
          else {
            const socket = createSocket('udp4')
            socket.on('message', (data, { address, port: from }) =>
              socket.send(answerTo(`${data}`, address), from, address),
            )
            socket.bind(port, '0.0.0.0', ready)
          }
        }),
    ),
  )

const ask = ({ protocol, host, port, patience }: Question): Promise<string> =>
  new Promise(answered => {
    const end = (answer: string, close: () => void): void => {
      clearTimeout(timer)
      close()
      answered(answer)
    }
    const timer = setTimeout(() => end('nothing', closing), patience)
    let closing = (): void => {}
    if (protocol === 'udp') {
      const socket = createSocket('udp4')
      closing = () => socket.close()
      socket.on('message', data => end(`${data}`, closing))
      socket.on('error', ({ message }) => end(message, closing))
      socket.send('asked', port, host, error => error && end(error.message, closing))
    } else {
      const socket = connect(port, host, () => socket.write('asked'))
      closing = () => void socket.destroy()
      let answer = ''
      socket.on('data', data => {
        answer += data
      })
      socket.on('end', () => end(answer, closing))
      socket.on('error', ({ message }) => end(message, closing))
    }
  })

const [, , mode, text = '[]'] = process.argv
if (mode === 'serve') {
  await serve(JSON.parse(text) as Service[])
  process.stdout.write('ready\n')
} else {
  const answers: string[] = []
  for (const question of JSON.parse(text) as Question[]) answers.push(await ask(question))
  process.stdout.write(JSON.stringify(answers))
}
