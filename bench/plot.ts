// A plot of a series as SVG: nanoseconds per packet over the number of rules, both logarithmic. It follows the reader's
// light or dark colour scheme.

import type { SeriesResult } from './result.ts'

const size = { width: 760, height: 440, left: 70, right: 190, top: 56, bottom: 48 } as const

/** Told apart by those who see colours differently, too (Okabe and Ito, 2008). */
const colours = ['#8a8a8a', '#009e73', '#56b4e9', '#0072b2', '#d55e00', '#e69f00', '#cc79a7'] as const

interface Line {
  readonly name: string
  readonly points: readonly (readonly [rules: number, nanoseconds: number])[]
}

/** The whole receive path; `last` where the series has it, else `spread`. */
export function plot(result: SeriesResult): string {
  const kind = result.kinds.includes('last') ? 'last' : 'spread'
  const lines = (result.sizes[0]?.measurements ?? []).map(
    ({ contender }): Line => ({
      name: contender,
      points: result.sizes.flatMap(({ rules, measurements }) => {
        const found = measurements.find(each => each.contender === contender)
        const cost = found?.costs.find(each => each.kind === kind)
        return cost ? [[rules, cost.path.median] as const] : []
      }),
    }),
  )
  const what = kind === 'last' ? 'the last rule matching' : 'rules from first to last matching'
  return draw(
    [result.title, `ns per packet on the whole receive path, ${what}`],
    lines.filter(({ points }) => points.length > 0),
  )
}

interface Axis {
  readonly first: number
  readonly last: number
}

/** From a power of ten to a power of ten. */
function axisOf(values: readonly number[]): Axis {
  const first = Math.floor(Math.log10(Math.min(...values)))
  return { first, last: Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values)))) }
}

const inside = {
  width: size.width - size.left - size.right,
  height: size.height - size.top - size.bottom,
} as const

function draw([title, subtitle]: readonly [string, string], lines: readonly Line[]): string {
  const points = lines.flatMap(line => line.points)
  const across = axisOf(points.map(([rules]) => rules))
  const up = axisOf(points.map(([, nanoseconds]) => nanoseconds))
  const x = (value: number): number =>
    size.left + (inside.width * (Math.log10(value) - across.first)) / (across.last - across.first)
  const y = (value: number): number =>
    size.top + inside.height * (1 - (Math.log10(value) - up.first) / (up.last - up.first))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    '<style>svg { color: #24292f; background: #ffffff } .grid { stroke: #d0d7de } @media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117 } .grid { stroke: #30363d } }</style>',
    `<text x="${size.left}" y="22" font-weight="600" fill="currentColor">${escaped(title)}</text>`,
    `<text x="${size.left}" y="40" fill="currentColor">${escaped(subtitle)}</text>`,
    ...ticks(across).map(value => grid(x(value), 'vertical', label(value))),
    ...ticks(up).map(value => grid(y(value), 'horizontal', label(value))),
    `<text x="${size.left + inside.width / 2}" y="${size.height - 10}" text-anchor="middle" fill="currentColor">rules</text>`,
    ...lines.flatMap((line, index) => drawLine(line, colours[index % colours.length] ?? 'gray', x, y)),
    ...labels(lines, y),
    '</svg>\n',
  ].join('\n')
}

const ticks = ({ first, last }: Axis): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))

const label = (value: number): string => value.toLocaleString('en-US')

function grid(at: number, direction: 'vertical' | 'horizontal', text: string): string {
  const [right, bottom] = [size.left + inside.width, size.top + inside.height]
  return direction === 'vertical'
    ? `<line class="grid" x1="${at}" x2="${at}" y1="${size.top}" y2="${bottom}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle" fill="currentColor">${text}</text>`
    : `<line class="grid" x1="${size.left}" x2="${right}" y1="${at}" y2="${at}"/><text x="${size.left - 8}" y="${at + 4}" text-anchor="end" fill="currentColor">${text}</text>`
}

type Scale = (value: number) => number

function drawLine({ points }: Line, colour: string, x: Scale, y: Scale): string[] {
  const places = points.map(([rules, nanoseconds]) => `${x(rules).toFixed(1)},${y(nanoseconds).toFixed(1)}`)
  return [
    `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(
      ([rules, nanoseconds]) =>
        `<circle cx="${x(rules).toFixed(1)}" cy="${y(nanoseconds).toFixed(1)}" r="3" fill="${colour}"/>`,
    ),
  ]
}

/** Least distance of two names. */
const LINE_HEIGHT = 15

/** A name at the end of each line, moved down where it would lie on another. */
function labels(lines: readonly Line[], y: Scale): string[] {
  const ends = lines
    .map(({ name, points }, index) => ({ name, index, at: y(points.at(-1)?.[1] ?? 1) }))
    .sort((a, b) => a.at - b.at)
  let lowest = Number.NEGATIVE_INFINITY
  return ends.map(({ name, index, at }) => {
    lowest = Math.max(at, lowest + LINE_HEIGHT)
    const colour = colours[index % colours.length] ?? 'gray'
    return `<text x="${size.width - size.right + 10}" y="${(lowest + 4).toFixed(1)}" fill="${colour}">${escaped(name)}</text>`
  })
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
