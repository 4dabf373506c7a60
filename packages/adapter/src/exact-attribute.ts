import { visibleText } from './xml-text.ts'
import type { Attributes } from './xml-writer.ts'

/** The attribute and, if its text holds what XML cannot carry, a second one with the exact text as ASCII JSON. */
export function exactly(name: string, text: string): Attributes {
  if (visibleText(text) === text) return [[name, text]]
  return [
    [name, text],
    [`${name}Json`, asciiJson(text)],
  ]
}

/**
 * JSON escapes control characters and lone surrogates; everything else outside ASCII, U+FFFE included, is escaped
 * here.
 */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
