import type { Repository, RuleFinding } from '../repository.ts'

const VAGUE = /^(utils?|helpers?|common|shared|types|constants|misc|lib|stuff|base|manager|handler|interfaces?)$/

/** A name that fits everything says nothing: name the thing. */
export function vagueNames({ packages }: Repository): RuleFinding[] {
  return packages.flatMap(({ folder, sources }) => {
    const paths = new Set(sources.flatMap(({ path }) => prefixesOf(path.slice(folder.length + 1))))
    return [folder.split('/')[1]!, ...paths]
      .filter((path) =>
        VAGUE.test(
          path
            .split('/')
            .at(-1)!
            .replace(/(\.test)?\.tsx?$/, ''),
        ),
      )
      .map((path) => ({ rule: 'vague-names', path: folder, subject: path, message: `"${path}" could hold anything` }))
  })
}

/** `docs/decisions/2611-outbox-before-queue.md`: year and month, then the decision. */
export function decisionNames({ files }: Repository): RuleFinding[] {
  return [...files.keys()]
    .filter((path) => path.startsWith('docs/decisions/') && !/\/\d{4}-[a-z0-9-]+\.md$/.test(path))
    .map((path) => ({
      rule: 'decision-names',
      path,
      subject: path,
      message: 'a decision is named YYMM-what-was-decided.md',
    }))
}

/** Fixtures are read by programs in any language. */
export function fixturesAreData({ files }: Repository): RuleFinding[] {
  return [...files.keys()]
    .filter((path) => path.startsWith('fixtures/') && /\.(ts|tsx|js|mjs)$/.test(path))
    .map((path) => ({ rule: 'fixtures-are-data', path, subject: path, message: 'fixtures hold data, not code' }))
}

function prefixesOf(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}
