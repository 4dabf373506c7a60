import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

/** Every element in document order as Python's expat parses it: its name and its attributes. */
export function elementsByPython(xml: Uint8Array): [name: string, attributes: Record<string, string>][] {
  // ASCII JSON, so that neither locale nor lone surrogates interfere.
  const program =
    'import json,sys,xml.etree.ElementTree as e\nprint(json.dumps([[x.tag,x.attrib] for x in e.parse(sys.argv[1]).getroot().iter()]))'
  return JSON.parse(withFile(xml, (file) => run('python3', ['-I', '-c', program, file])).toString('ascii'))
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
  const directory = mkdtempSync(join(tmpdir(), 'hansard-oracle-'))
  try {
    const file = join(directory, 'document.xml')
    writeFileSync(file, bytes)
    return use(file)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
