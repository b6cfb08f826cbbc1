// A picture of a terminal as SVG, from text with colours as terminals understand them (ECMA-48, SGR).

interface Style {
  readonly bold: boolean
  readonly dim: boolean
  /** 30 to 37; undefined for the usual one. */
  readonly colour: number | undefined
}

interface Run {
  readonly text: string
  readonly style: Style
}

const plain: Style = { bold: false, dim: false, colour: undefined }

/** Pixels. */
const size = { column: 7.8, line: 18, margin: 16, bar: 32, font: 13 } as const

/** Colours by their number, on a dark ground. */
const palette: Readonly<Record<number, string>> = { 31: '#ff7b72', 32: '#56d364', 36: '#79c0ff' }
const ground = '#0d1117'
const foreground = '#d0d7de'
const faint = '#8b949e'

/** Draws text in a window with a title. Other escapes than colours are not known, and throw RangeError. */
export function terminalSvg(text: string, title: string): string {
  const lines = text.trimEnd().split('\n').map(runsOf)
  const columns = Math.max(...lines.map(runs => runs.reduce((sum, run) => sum + run.text.length, 0)))
  const width = Math.ceil(columns * size.column + 2 * size.margin)
  const height = size.bar + lines.length * size.line + size.margin
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${ground}"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (colour, index) => `<circle cx="${size.margin + 4 + index * 18}" cy="16" r="5.5" fill="${colour}"/>`,
    ),
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${size.font}" fill="${foreground}" style="white-space: pre" xml:space="preserve">`,
    ...lines.map((runs, index) => drawLine(runs, size.bar + (index + 0.75) * size.line)),
    '</g>',
    '</svg>\n',
  ]
    .filter(line => line !== '')
    .join('\n')
}

/** The length is given, so that columns stand below one another whatever the font. */
function drawLine(runs: readonly Run[], y: number): string {
  const text = runs.map(run => run.text).join('')
  if (text.trim() === '') return ''
  const length = (text.length * size.column).toFixed(1)
  return `<text x="${size.margin}" y="${y.toFixed(1)}" textLength="${length}">${runs.map(drawRun).join('')}</text>`
}

function drawRun({ text, style }: Run): string {
  const fill = style.dim ? faint : style.colour === undefined ? undefined : palette[style.colour]
  const attributes = `${fill ? ` fill="${fill}"` : ''}${style.bold ? ' font-weight="bold"' : ''}`
  return attributes === '' ? escaped(text) : `<tspan${attributes}>${escaped(text)}</tspan>`
}

function runsOf(line: string): Run[] {
  let style = plain
  // every second part is the inside of an escape
  return line.split(/\x1b\[([\d;]*)m/).flatMap((part, index) => {
    if (index % 2 === 1) style = styled(style, Number(part))
    if (index % 2 === 1 || part === '') return []
    return [{ text: part, style }]
  })
}

function styled(style: Style, code: number): Style {
  if (code === 0) return plain
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (palette[code] !== undefined) return { ...style, colour: code }
  throw new RangeError(`the colour ${code} is not known`)
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
