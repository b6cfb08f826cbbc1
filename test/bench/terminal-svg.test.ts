import test from 'ava'
import { terminalSvg } from '../../bench/terminal-svg.ts'

test('colours become tspans, markup is escaped, lines stand below one another', t => {
  const svg = terminalSvg(
    'a <b> & "c"\n\x1b[1m\x1b[36mhead\x1b[0m\x1b[0m tail\n\n\x1b[2mfaint\x1b[0m\n',
    'title',
  )
  t.regex(svg, />a &lt;b&gt; &amp; &quot;c&quot;<\/text>/)
  t.regex(svg, /<tspan fill="#79c0ff" font-weight="bold">head<\/tspan> tail<\/text>/)
  t.regex(svg, /<tspan fill="#8b949e">faint<\/tspan>/)
  const places = [...svg.matchAll(/<text x="16" y="([\d.]+)"/g)].map(([, y]) => Number(y))
  t.deepEqual(
    places.map(y => y - (places[0] ?? 0)),
    [0, 18, 54],
  )
})

test('an escape that is no colour we know is refused', t => {
  t.throws(() => terminalSvg('\x1b[99mtext', 'title'), { instanceOf: RangeError })
})
