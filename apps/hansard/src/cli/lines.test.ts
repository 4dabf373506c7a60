import { expect, it } from 'vitest'
import { type InputLine, linesOf } from './lines.ts'

async function read(pieces: readonly (string | Uint8Array)[], bytesMax = 1_000): Promise<InputLine[]> {
  async function* input() {
    yield* pieces
  }
  return Array.fromAsync(linesOf(input(), { bytesMax }))
}
const texts = (lines: readonly InputLine[]) => lines.map((line) => ('text' in line ? line.text : line.problem))

it('ends lines at LF and CR LF, and at nothing else', async () => {
  const odd = 'a\u2028/join b\u2029/quit\rc\u0085d\vf\fg'

  expect(texts(await read([`${odd}\r\nsecond\n\nlast`]))).toEqual([odd, 'second', '', 'last'])
})

it('takes lines and characters that come in pieces', async () => {
  const bytes = Buffer.from('größe €\r\nnext\n')

  expect(texts(await read([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(['größe €', 'next'])
})

it('says of a line that is not text which one it is and at which byte, and goes on', async () => {
  const lines = await read([Buffer.from('fine\n'), Buffer.from('caf\xe9\n', 'latin1'), 'a\0b\n', 'fine again\n'])

  expect(lines).toEqual([
    { number: 1, text: 'fine' },
    { number: 2, problem: 'it is not UTF-8: byte 3 (0xe9)' },
    { number: 3, problem: expect.stringContaining('a zero, byte 1') },
    { number: 4, text: 'fine again' },
  ])
})

it('holds no more of a line than it may be long', async () => {
  const lines = await read([...Array.from({ length: 50 }, () => 'x'.repeat(100)), '\nshort\n'], 1_000)

  expect(texts(lines)).toEqual(['it is longer than 1000 bytes', 'short'])
})
