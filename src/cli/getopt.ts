// Options as getopt_long(3) reads them: -nc, -T filter, -Tfilter, --table=filter, --tab filter; operands may stand anywhere.

export interface OptionSpec {
  readonly short: string
  readonly long: string
  /** `number`: the next word only where it is a number, as iptables' -w has it. */
  readonly argument?: 'required' | 'number'
}

export interface GivenOptions {
  /** By long name; the last one counts. An option without its argument has ''. */
  readonly options: ReadonlyMap<string, string>
  readonly operands: readonly string[]
}

/** An option that is not there, or lacks its argument; the message is getopt's. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}

/** Reads options. Throws OptionError. */
export function getopt(words: readonly string[], specs: readonly OptionSpec[]): GivenOptions {
  const rest = [...words]
  const options = new Map<string, string>()
  const operands: string[] = []
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') operands.push(...rest.splice(0))
    else if (word.startsWith('--')) readLong(word.slice(2), specs, options, rest)
    else if (word.startsWith('-') && word !== '-') readShort(word.slice(1), specs, options, rest)
    else operands.push(word)
  }
  return { options, operands }
}

function readLong(
  word: string,
  specs: readonly OptionSpec[],
  options: Map<string, string>,
  rest: string[],
): void {
  const [name = '', ...values] = word.split('=')
  const spec = specs.find(({ long }) => long === name) ?? onlyPrefix(name, specs)
  if (!spec.argument && values.length > 0)
    throw new OptionError(`option '--${spec.long}' doesn't allow an argument`)
  const given = values.length > 0 ? values.join('=') : undefined
  options.set(spec.long, given ?? nextArgument(spec, rest, `option '--${spec.long}' requires an argument`))
}

function onlyPrefix(name: string, specs: readonly OptionSpec[]): OptionSpec {
  const [spec, other] = specs.filter(({ long }) => long.startsWith(name))
  if (other) throw new OptionError(`option '--${name}' is ambiguous`)
  if (!spec) throw new OptionError(`unrecognized option '--${name}'`)
  return spec
}

function readShort(
  letters: string,
  specs: readonly OptionSpec[],
  options: Map<string, string>,
  rest: string[],
): void {
  for (const [index, letter] of [...letters].entries()) {
    const spec = specs.find(({ short }) => short === letter)
    if (!spec) throw new OptionError(`invalid option -- '${letter}'`)
    const attached = letters.slice(index + 1)
    if (spec.argument === 'required' && attached) {
      options.set(spec.long, attached)
      return
    }
    options.set(spec.long, nextArgument(spec, rest, `option requires an argument -- '${letter}'`))
  }
}

function nextArgument({ argument }: OptionSpec, rest: string[], missing: string): string {
  if (argument === 'required' && rest.length === 0) throw new OptionError(missing)
  const takes = argument === 'required' || (argument === 'number' && /^\d/.test(rest[0] ?? ''))
  return takes ? (rest.shift() ?? '') : ''
}
