import { readFileSync } from 'node:fs'
import { adapterPromises } from '@hansard/adapter/conformance'
import { describe, it } from 'vitest'
import { xml, xmlExtended } from './index.ts'

const texts = JSON.parse(readFileSync(new URL('../../../fixtures/hostile/texts.json', import.meta.url), 'utf8'))
const hostile = (texts as { text: string }[]).map(({ text }) => text)

describe.each([xml, xmlExtended])('the adapter $name', (adapter) => {
  for (const { name, check } of adapterPromises(adapter, { hostile })) it(name, check)
})
