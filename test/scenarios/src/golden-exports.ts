import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { schemaProblem } from '@hansard/adapter/conformance'
import { expect } from 'vitest'

const repository = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const accept = process.env['HANSARD_GOLDEN'] === 'accept'

const SCHEMAS: Readonly<Record<string, readonly string[]>> = {
  xml: ['conversations-strict-2013.xsd', 'conversations-2013.xsd'],
  'xml-extended': ['conversations-extended-1.xsd'],
}

/** The files that a vendor's archive imports: documents and lists of attachments, by name. */
export type Documents = Readonly<Record<string, string>>

/**
 * Compares an export with the accepted one: the same files, the same bytes. Golden files are whole documents that a
 * person has read. Each document must also be valid under the schemas it names, according to xmllint.
 */
export function compareWithGolden(story: string, adapter: string, documents: Documents): void {
  const directory = repository(`fixtures/golden/scenarios/${story}/${adapter}`)
  if (accept) writeGolden(directory, documents)
  expect(Object.keys(documents).toSorted(), `${adapter}: the names of the files`).toEqual(filesOf(directory))
  expect(Object.keys(documents).length, `${adapter} exported something`).toBeGreaterThan(0)
  for (const [name, text] of Object.entries(documents)) {
    expect(text, `${adapter}/${name}`).toBe(readFileSync(join(directory, name), 'utf8'))
    const schemas = name.endsWith('.ATTACH') ? ['attachments-1.xsd'] : SCHEMAS[adapter]!
    for (const schema of schemas) {
      expect(schemaProblem(Buffer.from(text), repository(`fixtures/schemas/${schema}`)), `${name}: ${schema}`).toBe(
        undefined,
      )
    }
  }
}

/** Runs the auditors' verifier on a directory of exports. Throws with its findings. */
export async function verifyExports(directory: string): Promise<void> {
  await promisify(execFile)('python3', [repository('docs/verify.py'), directory])
}

function writeGolden(directory: string, documents: Documents): void {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of Object.entries(documents)) writeFileSync(join(directory, name), text)
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    throw new Error(`${directory} does not exist: run \`npm run golden:accept\` and read what it wrote.`)
  }
}
