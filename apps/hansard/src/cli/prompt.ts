import { passwordProblem } from '@hansard/credentials'
import { misused } from './command-failure.ts'
import type { Io } from './io.ts'

/**
 * A password from the environment, else typed on a terminal without being shown. Never from an argument: the command
 * lines of all processes can be read by everybody on a machine.
 */
export async function readPassword(
  io: Io,
  { variable, question }: { variable: string | undefined; question: string },
): Promise<string> {
  const given = variable === undefined ? undefined : io.env.optional(variable)
  if (given !== undefined) return given
  if (io.stdin.isTTY) return typeUnseen(io, question)
  throw misused(
    'A password is needed, and there is no terminal to ask for it.',
    variable === undefined ? undefined : `Set ${variable}.`,
  )
}

/** Twice, so that a slip of the finger does not become a password. */
export async function readNewPassword(
  io: Io,
  { variable, account }: { variable: string; account: string },
): Promise<string> {
  const first = await readPassword(io, { variable, question: `New password of ${account}: ` })
  const problem = await passwordProblem(first, { account })
  if (problem) throw misused(`${problem} Nothing was changed.`)
  if (io.env.optional(variable) !== undefined) return first
  const second = await readPassword(io, { variable, question: 'The same again: ' })
  if (first !== second) throw misused('The two passwords are not the same. Nothing was changed.')
  return first
}

/** Reads one line, shown as it is typed on a terminal. */
export function typeLine(io: Io, question: string): Promise<string> {
  return readLine(io, question, 'shown')
}

function typeUnseen(io: Io, question: string): Promise<string> {
  return readLine(io, question, 'unseen')
}

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

async function readLine(io: Io, question: string, echo: 'shown' | 'unseen'): Promise<string> {
  const { stdin, stderr } = io
  stderr.write(question)
  const raw = echo === 'unseen' && stdin.isTTY === true
  if (raw) stdin.setRawMode?.(true)
  let typed = ''
  try {
    return await new Promise<string>((resolve, reject) => {
      const done = (act: () => void) => {
        stdin.off('data', onData)
        stdin.off('end', onEnd)
        io.stop.removeEventListener('abort', onEnd)
        stdin.pause()
        act()
      }
      const onEnd = () => done(() => reject(misused('Nothing was typed.')))
      const onData = (data: Buffer | string) => {
        for (const character of data.toString()) {
          if (character === '\r' || character === '\n') return done(() => resolve(typed))
          if (character === CTRL_C || character === CTRL_D) return onEnd()
          if (raw && (character === '\u007f' || character === '\b')) typed = [...typed].slice(0, -1).join('')
          else typed += character
        }
      }
      stdin.on('data', onData)
      stdin.on('end', onEnd)
      io.stop.addEventListener('abort', onEnd, { once: true })
      stdin.resume()
    })
  } finally {
    if (raw) {
      stdin.setRawMode?.(false)
      stderr.write('\n')
    }
  }
}
