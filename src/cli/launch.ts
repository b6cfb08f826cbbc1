// How the launchers in bin/ get at the commands. All of them are one file (scripts/bundle.mjs), and beside it lies what V8 made of the functions
// that most commands run: to compile these takes as long as Node.js takes to start.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

type Require = (name: string) => unknown
type Commands = typeof import('./commands.ts')

/** Where the commands are, and their code cache. */
export const commandsPath: string = fileURLToPath(new URL('commands.cjs', import.meta.url))
export const cachePath = `${commandsPath}.cache`

/** Runs the command of that name with the words of this process. */
export const launch = (name: string): Promise<void> =>
  evaluateCommands(compileCommands()).run(name, process.argv.slice(2))

/** The commands, compiled. Another version of V8 than that which made the cache does not take it, and compiles what it runs. */
export function compileCommands(): Script {
  const source = readFileSync(commandsPath, 'latin1')
  const cachedData = readIfThere(cachePath)
  const wrapped = `(function (module, require, __filename) {${source}\n})`
  return new Script(wrapped, { filename: commandsPath, ...(cachedData && { cachedData }) })
}

export function evaluateCommands(script: Script, require: Require = createRequire(commandsPath)): Commands {
  const module = { exports: {} }
  script.runInThisContext()(module, require, commandsPath)
  return module.exports as Commands
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
