import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { record } from './index.ts'

const TEXTS = [
  '{"kind":"chat","content":"caffè"}',
  '{"kind":"chat","content":"line\\u2028separator \u2028"}',
  '{"kind":"part"}',
]

function documentsOf(texts: Iterable<string>, eventsPerFileMax = 10_000) {
  const documents = record.open({ eventsPerFileMax }, { stem: 'stem' })
  const files = []
  for (const text of texts) files.push(documents.add(text))
  files.push(documents.finish())
  return files.filter((file) => file !== undefined)
}

const linesOf = (bytes: Uint8Array) => gunzipSync(bytes).toString('utf8').split('\n').slice(0, -1)

it('writes every text byte for byte on a line, and programs that are not ours read it', () => {
  const [file, ...others] = documentsOf(TEXTS)

  expect(others).toEqual([])
  expect(file).toMatchObject({ name: 'stem-0001.jsonl.gz', role: 'document', events: 3 })
  expect(linesOf(file!.bytes)).toEqual(TEXTS)
  const hashes = TEXTS.map((text) => createHash('sha256').update(text).digest('hex'))
  const program =
    'import gzip,hashlib,sys\nfor line in gzip.GzipFile(fileobj=sys.stdin.buffer): print(hashlib.sha256(line[:-1]).hexdigest())'
  const byPython = execFileSync('python3', ['-c', program], { input: file!.bytes, encoding: 'utf8' })
  expect(byPython.trim().split('\n')).toEqual(hashes)
  expect(execFileSync('gzip', ['-dc'], { input: file!.bytes, encoding: 'utf8' })).toBe(`${TEXTS.join('\n')}\n`)
})

it('gives the same bytes on any machine: these', () => {
  const many = Array.from({ length: 20_000 }, (_, n) => `{"seq":${n},"content":"${'x'.repeat(n % 90)} ${n * 7919}"}`)
  const [file] = documentsOf(many, 100_000)

  expect(linesOf(file!.bytes)).toEqual(many)
  expect(createHash('sha256').update(file!.bytes).digest('hex')).toMatchInlineSnapshot(
    `"c7d214440ca7d87bcd4c3492dd6a6116cc1440124e8c8367bb76cd2668dea203"`,
  )
})

it('ends a document before it holds more than eventsPerFileMax, a long text counting for several events', () => {
  const long = JSON.stringify({ content: 'x'.repeat(3_000) })

  const files = documentsOf(['{"a":1}', '{"a":2}', long, '{"a":3}', '{"a":4}', '{"a":5}', '{"a":6}'], 4)

  expect(files.map(({ name, events }) => [name, events])).toEqual([
    ['stem-0001.jsonl.gz', 2],
    ['stem-0002.jsonl.gz', 1],
    ['stem-0003.jsonl.gz', 4],
  ])
})

it('has one empty document when there are no events', () => {
  const [file, ...others] = documentsOf([])

  expect(others).toEqual([])
  expect(file).toMatchObject({ name: 'stem-0001.jsonl.gz', events: 0 })
  expect(gunzipSync(file!.bytes)).toHaveLength(0)
})

it.each(['\n', '\r'])('refuses a text with a raw line break (%j), which would be two lines', (broken) => {
  expect(() => documentsOf([`{"a":${broken}1}`])).toThrow('contains a line break')
})
