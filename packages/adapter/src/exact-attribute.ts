import { visibleText } from './xml-text.ts'
import type { Attributes } from './xml-writer.ts'

/** The attribute, and, where its text holds what XML cannot carry, a second one that holds it exactly, as JSON in ASCII. */
export function exactly(name: string, text: string): Attributes {
  if (visibleText(text) === text) return [[name, text]]
  return [
    [name, text],
    [`${name}Json`, asciiJson(text)],
  ]
}

/** JSON itself escapes controls and halves of pairs; what else is not ASCII is escaped here, U+FFFE included. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
