import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSource, type SourceReading } from './read-source.ts'

/** The repository as the rules see it. */
export type Repository = {
  /** path from the root → text; no generated files */
  readonly files: ReadonlyMap<string, string>
  readonly packages: readonly Package[]
}

export type Layer = 'platform' | 'rules' | 'contract' | 'edge' | 'adapter' | 'app' | 'harness' | 'test'

export type Package = {
  readonly name: string
  /** `packages/clock` */
  readonly folder: string
  readonly layer: Layer | undefined
  readonly manifest: Readonly<Record<string, unknown>>
  readonly sources: readonly SourceFile[]
}

export type SourceFile = {
  readonly path: string
  readonly isTest: boolean
  readonly lines: number
  readonly reading: SourceReading
}

export type RuleFinding = {
  readonly rule: string
  readonly path: string
  readonly subject: string
  readonly message: string
}
export type Rule = (repository: Repository) => RuleFinding[]

const GENERATED = new Set(['node_modules', 'dist', '.turbo', '.git', 'coverage'])
const TEXT = /\.(ts|tsx|js|mjs|json|md)$/

export function readRepository(root: string): Repository {
  const files = new Map<string, string>()
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !GENERATED.has(entry.name)) walk(path)
      else if (entry.isFile() && TEXT.test(entry.name)) files.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  walk('')
  return repositoryOf(files)
}

/** @internal Rules are tested on repositories of a few lines. */
export function repositoryOf(files: ReadonlyMap<string, string>): Repository {
  const packages: Package[] = []
  for (const [path, text] of files) {
    const folder = /^((?:apps|packages|adapters|test)\/[^/]+)\/package\.json$/.exec(path)?.[1]
    if (!folder) continue
    const manifest = JSON.parse(text) as Record<string, unknown>
    const sources = [...files]
      .filter(([file]) => file.startsWith(`${folder}/`) && /\.tsx?$/.test(file))
      .map(([file, content]) => ({
        path: file,
        isTest: /(\.test|-in-test)\.tsx?$/.test(file),
        lines: content.split('\n').length,
        reading: readSource(file, content),
      }))
    packages.push({ name: String(manifest['name']), folder, layer: layerOf(files, folder), manifest, sources })
  }
  return { files, packages }
}

function layerOf(files: ReadonlyMap<string, string>, folder: string): Layer | undefined {
  const turbo = files.get(`${folder}/turbo.json`)
  if (!turbo) return undefined
  const { tags } = JSON.parse(turbo) as { tags?: string[] }
  return tags?.length === 1 ? (tags[0] as Layer) : undefined
}
