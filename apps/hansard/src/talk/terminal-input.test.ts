import readline from 'node:readline'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { meantBy, terminalInput } from './terminal-input.ts'

/** What readline makes of what a terminal sends. */
async function typed(...pieces: (string | Buffer)[]): Promise<string[]> {
  const stdin = new PassThrough()
  const reader = readline.createInterface({ input: terminalInput(stdin), output: new PassThrough(), terminal: true })
  const lines: string[] = []
  reader.on('line', (line) => lines.push(meantBy(line)))
  const closed = new Promise((resolve) => reader.on('close', resolve))
  for (const piece of pieces) stdin.write(piece)
  stdin.end()
  await closed
  return lines
}

it('ends a line at the Enter key only', async () => {
  expect(await typed('good morning\u2028/join other\u2029/quit\r', 'second\r')).toEqual([
    'good morning\u2028/join other\u2029/quit',
    'second',
  ])
})

it('takes a pasted text for one line, whatever it holds', async () => {
  expect(await typed('see: \u001b[200~one\r/quit\r\n\ttwo\u001b[31m\u2028\u0003three\u001b[201~!\r')).toEqual([
    'see: one\n/quit\n\ttwo[31m\u2028three!',
  ])
})

it('knows a mark that comes in pieces, and a character that does', async () => {
  const [a, b] = [Buffer.from('€').subarray(0, 1), Buffer.from('€').subarray(1)]
  expect(await typed('\u001b[2', '00~a\rb\u001b[20', '1~', a, b, '\r')).toEqual(['a\nb€'])
})
