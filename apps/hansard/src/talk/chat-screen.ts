import readline from 'node:readline'
import type { Io } from '../cli/io.ts'

/** Where a chat is shown and typed: a terminal with a line being edited, or plain lines when there is none. */
export type ChatScreen = {
  /** Shows a line above the one being typed. */
  show(line: string): void
  setPrompt(prompt: string): void
  /** Lines as they are typed; ends with the input, Ctrl-C or Ctrl-D. */
  readonly lines: AsyncIterable<string>
  close(): void
}

export function openChatScreen(io: Io, onInterrupted: () => void): ChatScreen {
  const { stdin, stdout } = io
  const terminal = stdin.isTTY === true && stdout.isTTY === true
  const reader = readline.createInterface({
    input: stdin,
    output: terminal ? stdout : undefined,
    terminal,
    historySize: 500,
    prompt: '',
  })
  const stop = () => {
    onInterrupted()
    reader.close()
  }
  io.stop.addEventListener('abort', stop, { once: true })
  // Asked for at once: lines that come before somebody iterates would be lost.
  const lines = reader[Symbol.asyncIterator]()
  reader.on('SIGINT', stop)
  reader.on('close', () => io.stop.removeEventListener('abort', stop))
  if (!terminal) {
    return {
      show: (line) => void stdout.write(`${line}\n`),
      setPrompt: () => {},
      lines,
      close: () => reader.close(),
    }
  }
  let open = true
  reader.on('close', () => {
    open = false
    stdout.write('\n')
  })
  return {
    show(line) {
      if (!open) return void stdout.write(`${line}\n`)
      // What is being typed may fill several rows: go up to the first, wipe from there, and draw it again below.
      readline.moveCursor(stdout, 0, -reader.getCursorPos().rows)
      readline.cursorTo(stdout, 0)
      readline.clearScreenDown(stdout)
      stdout.write(`${line}\n`)
      reader.prompt(true)
    },
    setPrompt(prompt) {
      reader.setPrompt(prompt)
      if (open) reader.prompt(true)
    },
    lines,
    close: () => reader.close(),
  }
}
