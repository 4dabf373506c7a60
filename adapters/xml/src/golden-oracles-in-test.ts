import {
  type Element,
  elementsByPython,
  elementsOfAllByPython,
  schemaProblem,
  schemaProblems,
  xsltproc,
  xsltprocOfAll,
} from '@hansard/adapter/conformance'

/**
 * What other programs say of golden documents. Each program is started once for all documents; to start it for each
 * would take most of the time of these tests. A document that is not among them, one that has just been accepted, is
 * asked about alone.
 */
type GoldenOracles = {
  schemaProblem(bytes: Uint8Array, schemaFile: string): string | undefined
  elements(bytes: Uint8Array): Element[]
  xsltproc(stylesheetFile: string, bytes: Uint8Array): Buffer
}

/** `documents` reads all that a question is about: the documents of one profile. */
export function goldenOracles(documents: () => readonly Uint8Array[]): GoldenOracles {
  const keyOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
  const remembered = new Map<string, Map<string, unknown>>()
  const askOnce = <T>(question: string, bytes: Uint8Array, all: () => Map<string, T>, alone: () => T): T => {
    let answers = remembered.get(question) as Map<string, T> | undefined
    if (!answers) {
      answers = all()
      remembered.set(question, answers)
    }
    const key = keyOf(bytes)
    return answers.has(key) ? (answers.get(key) as T) : alone()
  }
  const zip = <T>(given: readonly Uint8Array[], answers: readonly T[]) =>
    new Map(given.map((bytes, index) => [keyOf(bytes), answers[index] as T]))
  return {
    schemaProblem: (bytes, schemaFile) =>
      askOnce(
        `schema ${schemaFile}`,
        bytes,
        () => zip(documents(), schemaProblems(documents(), schemaFile)),
        () => schemaProblem(bytes, schemaFile),
      ),
    elements: (bytes) =>
      askOnce(
        'elements',
        bytes,
        () => zip(documents(), elementsOfAllByPython(documents())),
        () => elementsByPython(bytes),
      ),
    xsltproc: (stylesheetFile, bytes) =>
      askOnce(
        `xsltproc ${stylesheetFile}`,
        bytes,
        () => zip(documents(), xsltprocOfAll(stylesheetFile, documents())),
        () => xsltproc(stylesheetFile, bytes),
      ),
  }
}
