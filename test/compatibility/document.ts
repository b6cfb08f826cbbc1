// docs/compatibility.md, made from what the parser and the translator do.

import { collectedFiles } from '../collection.ts'
import { fixtureFiles, upstreamFiles } from '../rules/extension-cases.ts'
import { casesSection, legacySection } from './cases.ts'
import { extensionsSection } from './extensions.ts'
import { paragraphs } from './markdown.ts'
import { fmtSection, translationSection } from './rulesets.ts'

export const documentPath = 'docs/compatibility.md'

/** The text of the document; undefined where what it counts is not there: it lies beside the working tree, in ../shared. */
export function document(): string | undefined {
  const [upstream, files, fixtures] = [upstreamFiles(), collectedFiles(), fixtureFiles()]
  if (!upstream || !files) return undefined
  return paragraphs(
    '# Compatibility',
    'Made by `npm run compatibility`, which needs the rule files and cases in `../shared`; a test fails where this page is not what that prints.',
    translationSection(files),
    extensionsSection(fixtures),
    fmtSection(files),
    casesSection(upstream),
    legacySection(fixtures),
  )
}
