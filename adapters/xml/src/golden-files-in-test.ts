import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { XMLParser } from 'fast-xml-parser'
import { expect } from 'vitest'
import { xml, xmlExtended } from './index.ts'

const fixtures = new URL('../../../fixtures/', import.meta.url)
export const fixture = (path: string) => fileURLToPath(new URL(path, fixtures))
export const scenarios = readdirSync(fixture('scenarios')).filter((name) => name.endsWith('.json'))
export const adapters = [
  { adapter: xml, schemas: ['schemas/conversations-strict-2013.xsd', 'schemas/conversations-2013.xsd'] },
  { adapter: xmlExtended, schemas: ['schemas/conversations-extended-1.xsd'] },
]
export const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')

/** The documents. */
export function goldenFiles(directory: string): Buffer[] {
  const names = readdirSync(directory)
    .filter((name) => !name.endsWith('.ATTACH'))
    .toSorted()
  expect(names).not.toHaveLength(0)
  return names.map((name) => readFileSync(`${directory}/${name}`))
}

/** The attributes of every message, as fast-xml-parser reads them. */
export function messagesByFastXmlParser(bytes: Uint8Array): Record<string, string>[] {
  const options = { ignoreAttributes: false, attributeNamePrefix: '', parseAttributeValue: false, trimValues: false }
  const parser = new XMLParser({ ...options, preserveOrder: true, htmlEntities: true })
  const found: Record<string, string>[] = []
  const visit = (nodes: Record<string, unknown>[]) => {
    for (const node of nodes) {
      for (const [name, children] of Object.entries(node)) {
        if (name === 'Message') found.push(node[':@'] as Record<string, string>)
        else if (Array.isArray(children)) visit(children)
      }
    }
  }
  visit(parser.parse(Buffer.from(bytes)))
  return found
}
