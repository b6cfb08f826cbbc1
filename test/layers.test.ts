// rules <- translator <- src <- bin: imports only point left, what is pure stays pure, and one folder alone calls into C.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

/** Seen from dist/test. */
const root = fileURLToPath(new URL('../../', import.meta.url))

interface SourceFile {
  /** Below the root: `translator/asm/label.ts`. */
  readonly path: string
  /** Without comments. */
  readonly code: string
}

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gm, '')

const sourcesOf = (folder: string): readonly SourceFile[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && !/(^|\/)(dist|node_modules)\//.test(name))
    .map(name => ({
      path: join(folder, name),
      code: withoutComments(readFileSync(join(root, folder, name), 'utf8')),
    }))

const importPattern = /\b(?:from|import) '([^'\n]+)'$|\bimport\('([^'\n]+)'/gm

const importsOf = ({ code }: SourceFile): readonly string[] =>
  [...code.matchAll(importPattern)].flatMap(([, fixed, dynamic]) => fixed ?? dynamic ?? [])

/** A file of ours that an import names, below the root; undefined for a package. */
const targetOf = ({ path }: SourceFile, name: string): string | undefined =>
  name.startsWith('.') ? normalize(join(dirname(path), name)) : undefined

/** Every import of a folder that `allows` does not, as `file: import`. */
const faults = (
  folder: string,
  allows: (name: string, target: string | undefined, file: SourceFile) => boolean,
): readonly string[] =>
  sourcesOf(folder).flatMap(file =>
    importsOf(file)
      .filter(name => !allows(name, targetOf(file, name), file))
      .map(name => `${file.path}: ${name}`),
  )

const within =
  (...folders: readonly string[]) =>
  (target: string | undefined): boolean =>
    folders.some(folder => target?.startsWith(`${folder}/`))

test('rules imports nothing but itself', t => {
  t.deepEqual(
    faults('rules', (_, target) => within('rules')(target)),
    [],
  )
})

test('the package iptables-parser depends on nothing', t => {
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(root, 'rules/package.json'), 'utf8'),
  )
  t.deepEqual([dependencies, peerDependencies], [undefined, undefined])
})

test('translator imports rules and itself', t => {
  t.deepEqual(
    faults('translator', (name, target) => name === 'iptables-parser' || within('translator')(target)),
    [],
  )
})

test('src imports rules, translator, itself, node and packages', t => {
  t.deepEqual(
    faults('src', (_, target) => target === undefined || within('src', 'translator')(target)),
    [],
  )
})

test('rules come from their package, not from their files', t => {
  for (const folder of ['translator', 'src', 'bench', 'test'])
    t.deepEqual(
      faults(folder, (_, target) => !within('rules')(target)),
      [],
    )
})

/** What yields something else each time, or asks the machine. */
const impure =
  /\b(Date\.now|new Date\(\)|Math\.random|import\.meta|(performance|process|globalThis|crypto)\.|(setTimeout|setInterval|fetch|require)\()/

test('rules and translator ask neither clock, chance nor machine', t => {
  const impurities = ['rules', 'translator'].flatMap(sourcesOf).flatMap(({ path, code }) => {
    const found = impure.exec(code.replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''"))
    return found ? [`${path}: ${found[0]}`] : []
  })
  t.deepEqual(impurities, [])
})

test('only src/kernel/sys calls into C', t => {
  for (const folder of ['rules', 'translator', 'src', 'bench'])
    t.deepEqual(
      faults(folder, (name, _, { path }) => name !== 'koffi' || path.startsWith('src/kernel/sys/')),
      [],
    )
  t.true(sourcesOf('src/kernel/sys').some(file => importsOf(file).includes('koffi')))
})

test('relative imports name a file that is there', t => {
  for (const folder of ['rules', 'translator', 'src', 'bench', 'test'])
    t.deepEqual(
      faults(folder, (_, target) => target === undefined || existsSync(join(root, target))),
      [],
    )
})

test('launchers in bin only launch', t => {
  for (const name of readdirSync(join(root, 'bin')).filter(file => file !== 'package.json')) {
    const text = readFileSync(join(root, 'bin', name), 'utf8')
    t.is(text, `#!/usr/bin/env node\nrequire('../dist/bundle/launch.cjs').launch('${name}')\n`)
  }
})
