import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Independent programs that read our output: the command lines of libxml2 and libxslt, and Python.
 *
 * A test that compares our output with our own parser proves little. These share no code with Hansard, and an officer
 * has xsltproc at hand to see what a stylesheet does.
 */

/** The errors of `xmllint --schema` for the document; undefined when it is valid. */
export function schemaProblem(xml: Uint8Array, schemaFile: string): string | undefined {
  return withFile(xml, (file) => attempt('xmllint', ['--nonet', '--huge', '--noout', '--schema', schemaFile, file]))
}

/** The same for many documents in one call: starting a program takes longer than its work. */
export function schemaProblems(documents: readonly Uint8Array[], schemaFile: string): (string | undefined)[] {
  return withFiles(documents, (files) => {
    const said = attempt('xmllint', ['--nonet', '--huge', '--noout', '--schema', schemaFile, ...files])
    const lines = said?.split('\n') ?? []
    return files.map((file) => {
      const about = lines.filter((line) => line.startsWith(file) && line !== `${file} validates`)
      // A document that xmllint could not open is not reported as valid.
      if (said !== undefined && about.length === 0 && !lines.includes(`${file} validates`)) return said
      return about.length === 0 ? undefined : about.join('\n')
    })
  })
}

/** The errors of `xmllint` for the document as XML; undefined when it is well-formed. */
export function wellFormednessProblem(xml: Uint8Array): string | undefined {
  return withFile(xml, (file) => attempt('xmllint', ['--nonet', '--huge', '--noout', file]))
}

export function canonicalXml(xml: Uint8Array): Buffer {
  return withFile(xml, (file) => run('xmllint', ['--nonet', '--huge', '--c14n', file]))
}

export function xsltproc(stylesheetFile: string, xml: Uint8Array): Buffer {
  return withFile(xml, (file) => run('xsltproc', ['--nonet', '--nowrite', '--nomkdir', '--huge', stylesheetFile, file]))
}

/** The same for many documents. A shell starts the programs: it is small, and a process of gigabytes forks slowly. */
export function xsltprocOfAll(stylesheetFile: string, documents: readonly Uint8Array[]): Buffer[] {
  const program =
    'sheet=$1; shift; for file; do xsltproc --nonet --nowrite --nomkdir --huge "$sheet" "$file" > "$file.out" || exit 1; done'
  return withFiles(documents, (files) => {
    run('sh', ['-c', program, 'sh', stylesheetFile, ...files])
    return files.map((file) => readFileSync(`${file}.out`))
  })
}

export type Element = [name: string, attributes: Record<string, string>]

/** Every element in document order as Python's expat parses it: its name and its attributes. */
export function elementsByPython(xml: Uint8Array): Element[] {
  return elementsOfAllByPython([xml])[0]!
}

/** The same for many documents in one call. */
export function elementsOfAllByPython(documents: readonly Uint8Array[]): Element[][] {
  // ASCII JSON, so that neither locale nor lone surrogates interfere.
  const program =
    'import json,sys,xml.etree.ElementTree as e\nprint(json.dumps([[[x.tag,x.attrib] for x in e.parse(f).getroot().iter()] for f in sys.argv[1:]]))'
  return JSON.parse(withFiles(documents, (files) => run('python3', ['-I', '-c', program, ...files])).toString('ascii'))
}

function attempt(command: string, args: readonly string[]): string | undefined {
  try {
    run(command, args)
    return undefined
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer }
    // A check that could not run has not passed.
    if (code === 'ENOENT') throw new Error(`${command} is not installed.`, { cause: error })
    return String(stderr)
  }
}

function run(command: string, args: readonly string[]): Buffer {
  return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 30 })
}

function withFile<T>(bytes: Uint8Array, use: (file: string) => T): T {
  return withFiles([bytes], ([file]) => use(file!))
}

function withFiles<T>(documents: readonly Uint8Array[], use: (files: readonly string[]) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-oracle-'))
  try {
    const files = documents.map((bytes, index) => {
      const file = join(directory, `document-${index}.xml`)
      writeFileSync(file, bytes)
      return file
    })
    return use(files)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
