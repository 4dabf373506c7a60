import { EventEmitter } from 'node:events'
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { type ProcessLike, runProcess } from './run-process.ts'

/** Output and exit code of a process. */
function recordingProcess() {
  const signals = new EventEmitter()
  const written = { out: '', err: '' }
  const process: ProcessLike = {
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    once: (signal, listener) => signals.once(signal, listener),
  }
  return { process, written, ask: () => signals.emit('SIGTERM') }
}

it('runs until it is asked to stop, and disposes its steps last first', async () => {
  const { process, written, ask } = recordingProcess()
  const undone: string[] = []

  const running = runProcess(process, 'relay', async ({ stack, ready }) => {
    stack.defer(() => void undone.push('database'))
    stack.defer(() => void undone.push('service'))
    ready({ ready: 'relay' })
  })
  ask()
  await running

  expect({ ...written, undone, exitCode: process.exitCode }).toEqual({
    out: '{"ready":"relay"}\n',
    err: '',
    undone: ['service', 'database'],
    exitCode: undefined,
  })
})

it('disposes earlier steps when a later one fails, and prints the problem in one sentence', async () => {
  const { process, written } = recordingProcess()
  const undone: string[] = []

  await runProcess(process, 'channel-1', async ({ stack }) => {
    stack.defer(() => void undone.push('database'))
    throw Object.assign(new Error('The database pool is encoded in LATIN1; it must be UTF8.'), { exitCode: 2 })
  })

  expect({ ...written, undone, exitCode: process.exitCode }).toEqual({
    out: '',
    err: 'channel-1: The database pool is encoded in LATIN1; it must be UTF8.\n',
    undone: ['database'],
    exitCode: 2,
  })
})

it('names a port in use', async () => {
  const { process, written } = recordingProcess()
  await using taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }

  await runProcess(process, 'lookup', async ({ stack }) => {
    const second = createServer()
    stack.defer(() => void second.close())
    await new Promise((_, reject) => second.once('error', reject).listen(port, '127.0.0.1'))
  })

  expect(written.err).toBe(`lookup: 127.0.0.1 port ${port} is in use by another process.\n`)
  expect(process.exitCode).toBe(2)
})

it('ends by itself when a successor has fenced it', async () => {
  const { process } = recordingProcess()

  await runProcess(process, 'channel-1', async () => ({ fenced: Promise.resolve() }))

  expect(process.exitCode).toBe(1)
})

it('prints the stack of an unexpected fault', async () => {
  const { process, written } = recordingProcess()

  await runProcess(process, 'relay', async () => {
    throw new TypeError('x is not a function')
  })

  expect(written.err).toMatch(/^relay: TypeError: x is not a function\n +at /)
  expect(process.exitCode).toBe(1)
})
