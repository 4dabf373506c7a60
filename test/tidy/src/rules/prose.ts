import { posix } from 'node:path'
import type { Repository, RuleFinding } from '../repository.ts'

const PROSE = /^(?:[^/]+|docs\/.*|(?:apps|packages|adapters|test)\/[^/]+\/[^/]+)\.md$/
const MENTION = /[\w.@/*-]*\w\.ts(?![\w-])/g
/** Kinds of files that many packages have, so that a text may speak of them in general. */
const IN_GENERAL = new Set(['index.ts', 'main.ts', 'config.ts', 'service.ts', 'bin.ts', 'types.ts', 'vitest.config.ts'])

/** A file named in a document exists, and a bare name is unique: within the README's package, or in all. */
export function filesInProse({ files }: Repository): RuleFinding[] {
  const code = [...files.keys()].filter((path) => path.endsWith('.ts'))
  return [...files]
    .filter(([path]) => PROSE.test(path) && path !== 'CHANGELOG.md')
    .flatMap(([path, text]) =>
      [...new Set(text.match(MENTION) ?? [])].flatMap((mention) => {
        const found = resolve(code, path, mention)
        if (found === 1) return []
        const problem = found === 0 ? 'does not exist' : `may be any of ${found} files`
        return [{ rule: 'files-in-prose', path, subject: mention, message: `${mention} ${problem}` }]
      }),
    )
}

function resolve(code: readonly string[], document: string, mention: string): number {
  if (mention.includes('*') || IN_GENERAL.has(mention)) return 1
  const folder = posix.dirname(document)
  if (code.includes(mention) || code.includes(posix.join(folder, mention))) return 1
  const ending = code.filter((path) => path.endsWith(`/${mention}`))
  const near = ending.filter((path) => folder !== '.' && path.startsWith(`${folder}/`))
  return near.length || ending.length
}
