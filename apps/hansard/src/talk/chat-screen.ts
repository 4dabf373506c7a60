import readline from 'node:readline'
import wrapAnsi from 'wrap-ansi'
import type { Io } from '../cli/io.ts'
import { type InputLine, linesOf } from '../cli/lines.ts'
import { editable, MARK_NO_PASTES, MARK_PASTES, meantBy, terminalInput } from './terminal-input.ts'
import { HISTORY_LINES_MAX, typedHistory } from './typed-history.ts'

/** Where a chat is shown and typed: a terminal with a line being edited, or plain lines when there is none. */
export type ChatScreen = {
  /** Shows a line above the one being typed. */
  show(line: string): void
  setPrompt(prompt: string): void
  /** Lines as they are typed; ends with the input, Ctrl-C or Ctrl-D. */
  readonly lines: AsyncIterable<InputLine>
  close(): void
}

type ScreenOptions = {
  readonly onInterrupted: () => void
  /** what a line may go on with: whole words, and the word that they would replace */
  readonly complete: (line: string) => Promise<readonly [readonly string[], string]>
}

/** The pool takes texts of 256 KiB at most. */
const LINE_BYTES_MAX = 1 << 20
/** What follows the first row of a chat stands under its text, on a screen that is wide enough. */
const INDENT = ' '.repeat(6)

export function openChatScreen(io: Io, options: ScreenOptions): ChatScreen {
  const drawn = io.stdin.isTTY === true && io.stdout.isTTY === true && io.env.optional('TERM') !== 'dumb'
  return drawn ? terminalScreen(io, options) : plainScreen(io, options)
}

function plainScreen(io: Io, { onInterrupted }: ScreenOptions): ChatScreen {
  const { stdin, stdout } = io
  const stop = () => {
    onInterrupted()
    stdin.destroy()
  }
  io.stop.addEventListener('abort', stop, { once: true })
  const close = () => {
    io.stop.removeEventListener('abort', stop)
    stdin.destroy()
  }
  return {
    show: (line) => void stdout.write(`${line}\n`),
    setPrompt: () => {},
    lines: untilDestroyed(linesOf(stdin, { bytesMax: LINE_BYTES_MAX })),
    close,
  }
}

/** An input that is closed in the middle ends; that is no failure. */
async function* untilDestroyed(lines: AsyncIterable<InputLine>): AsyncGenerator<InputLine> {
  try {
    yield* lines
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

function terminalScreen(io: Io, { onInterrupted, complete }: ScreenOptions): ChatScreen {
  const { stdin, stdout } = io
  const history = typedHistory(io.env)
  let typed = history.lines
  const reader = readline.createInterface({
    input: terminalInput(stdin),
    output: stdout,
    terminal: true,
    history: history.lines.map(editable),
    historySize: HISTORY_LINES_MAX,
    removeHistoryDuplicates: true,
    prompt: '',
    completer: (line: string, answer: (error: null, result: [string[], string]) => void) => {
      const nothing: readonly [readonly string[], string] = [[], line]
      void complete(meantBy(line))
        .catch(() => nothing)
        .then(([words, replaced]) => answer(null, [words.map(editable), editable(replaced)]))
    },
  })
  stdout.write(MARK_PASTES)
  let open = true
  const stop = () => {
    onInterrupted()
    reader.close()
  }
  io.stop.addEventListener('abort', stop, { once: true })
  // Asked for at once: lines that come before somebody iterates would be lost.
  const lines = reader[Symbol.asyncIterator]()
  reader.on('SIGINT', stop)
  reader.on('history', (entries: string[]) => {
    typed = entries.map(meantBy)
  })
  reader.on('close', () => {
    io.stop.removeEventListener('abort', stop)
    open = false
    stdin.unpipe()
    stdin.pause()
    stdout.write(`${MARK_NO_PASTES}\n`)
    history.keep(typed)
  })
  return {
    show(line) {
      const rows = wrapped(line, stdout.columns ?? 80)
      if (!open) return void stdout.write(`${rows}\n`)
      // What is being typed may fill several rows: go up to the first, wipe from there, and draw it again below.
      readline.moveCursor(stdout, 0, -reader.getCursorPos().rows)
      readline.cursorTo(stdout, 0)
      readline.clearScreenDown(stdout)
      stdout.write(`${rows}\n`)
      reader.prompt(true)
    },
    setPrompt(prompt) {
      reader.setPrompt(prompt)
      if (open) reader.prompt(true)
    },
    lines: numbered(lines),
    close: () => reader.close(),
  }
}

async function* numbered(lines: AsyncIterable<string>): AsyncGenerator<InputLine> {
  let number = 1
  for await (const line of lines) yield { number: number++, text: meantBy(line) }
}

/** Breaks between words where that is possible. */
export function wrapped(text: string, columns: number): string {
  const indent = columns > 40 ? INDENT : ''
  return text
    .split('\n')
    .flatMap((line) => {
      const rows = wrapAnsi(line, Math.max(1, columns - indent.length), { hard: true, trim: false }).split('\n')
      return rows.map((row, index) => (index === 0 ? row : `${indent}${row.trimStart()}`))
    })
    .join('\n')
}
