// What the demo prints. Colours only where they are welcome: on a terminal, unless NO_COLOR is set (no-color.org);
// FORCE_COLOR makes them appear in a file as well.

const wanted = (): boolean => {
  const { NO_COLOR: none, FORCE_COLOR: force } = process.env
  return none ? false : Boolean(force) || process.stdout.isTTY
}

const colours: boolean = wanted()

const paint =
  (code: string) =>
  (text: string): string =>
    colours ? `\x1b[${code}m${text}\x1b[0m` : text

export const bold = paint('1')
export const dim = paint('2')
export const green = paint('32')
export const red = paint('31')
export const cyan = paint('36')

export const say = (text = ''): void => {
  process.stdout.write(`${text}\n`)
}

export const heading = (text: string): void => say(`\n${bold(cyan(text))}`)

/** A claim and whether it held. */
export const verdict = (holds: boolean, text: string): void => say(`${holds ? green('✔') : red('✘')} ${text}`)

export const whole = (number: number | bigint): string => number.toLocaleString('en-US')

/** A column's name, and whether its cells are set to the right, as numbers are. */
export type Column = readonly [name: string, right?: 'right']

/** Prints rows below the names of their columns. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  const widths = columns.map(([name], index) =>
    Math.max(name.length, ...rows.map(row => row[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) => {
        const width = widths[index] ?? 0
        return columns[index]?.[1] ? text.padStart(width) : text.padEnd(width)
      })
      .join('   ')
      .trimEnd()
  say(`  ${dim(line(columns.map(([name]) => name)))}`)
  for (const row of rows) say(`  ${line(row)}`)
}
