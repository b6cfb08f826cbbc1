// How the launchers in bin/ get at the commands. All of them are one file (scripts/bundle.mjs), and beside it lies what V8 made of the functions
// that most commands run: to compile these takes as long as Node.js takes to start.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

type Require = (name: string) => unknown
type Evaluate = (module: { exports: unknown }, require: Require, filename: string) => void
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
  return new Script(source, { filename: commandsPath, ...(cachedData && { cachedData }) })
}

/** What the file holds is a function. */
export function evaluateCommands(script: Script, require: Require = requireQuickly): Commands {
  const module = { exports: {} }
  const evaluate: Evaluate = script.runInThisContext()
  evaluate(module, require, commandsPath)
  return module.exports as Commands
}

const require: Require = createRequire(commandsPath)

/** The FFI's machine code without its own search for it, which takes five times as long as to load it. */
export const ffiPath = `@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`

function requireQuickly(name: string): unknown {
  if (name !== 'koffi') return require(name)
  try {
    return require(ffiPath)
  } catch {
    // on another machine or beside another libc; and then it knows best what is wrong
    return require(name)
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
