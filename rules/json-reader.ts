import { RuleError } from './error.ts'
import type { Span } from './span.ts'

/** A JSON object while it is read: every member must be asked for, and be what it is asked as. */
export class Reading {
  readonly path: string
  readonly #members: ReadonlyMap<string, unknown>
  readonly #asked = new Set<string>()

  constructor(members: ReadonlyMap<string, unknown>, path: string) {
    this.#members = members
    this.path = path
  }

  has(name: string): boolean {
    return this.#members.has(name)
  }

  /** Undefined where it is not there. */
  member(name: string): unknown {
    this.#asked.add(name)
    return this.#members.get(name)
  }

  text(name: string): string {
    const value = this.member(name)
    if (typeof value !== 'string') throw this.wrong(name, 'a string')
    return value
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined
  }

  texts(name: string): readonly string[] {
    const value = this.#array(name)
    return value.map((text, index) => {
      if (typeof text !== 'string') throw this.wrong(`${name}[${index}]`, 'a string')
      return text
    })
  }

  object(name: string): Reading {
    return readObject(this.member(name), this.#at(name))
  }

  list(name: string): readonly Reading[] {
    return this.#array(name).map((value, index) => readObject(value, `${this.#at(name)}[${index}]`))
  }

  literal(name: string, wanted: string | number | boolean): void {
    if (this.member(name) !== wanted) throw this.wrong(name, JSON.stringify(wanted))
  }

  /** Throws for a member that was not asked for. */
  done(): void {
    for (const name of this.#members.keys())
      if (!this.#asked.has(name))
        throw new RuleError('ERR_SYNTAX', `${this.#at(name)} is not a member there is`)
  }

  /** A place for errors: the path, and a text of its own. */
  span(text = ''): Span {
    return { source: { name: this.path, text }, start: 0, end: text.length }
  }

  wrong(name: string, wanted: string): RuleError {
    return new RuleError('ERR_SYNTAX', `${this.#at(name)} must be ${wanted}`)
  }

  #array(name: string): readonly unknown[] {
    const value = this.member(name)
    if (!Array.isArray(value)) throw this.wrong(name, 'an array')
    return value
  }

  #at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }
}

export function readObject(value: unknown, path: string): Reading {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RuleError('ERR_SYNTAX', `${path === '' ? 'the document' : path} must be an object`)
  return new Reading(new Map(Object.entries(value)), path)
}
