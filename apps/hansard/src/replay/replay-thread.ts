import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '@hansard/clock'
import { adminClient } from '../cli/admin-client.ts'
import type { CommandFailure } from '../cli/command-failure.ts'
import { wsSocket } from '../cli/ws-socket.ts'
import { replayCorpus } from './replay-corpus.ts'
import type { ReplayAsked, ReplayTold } from './replay-in-thread.ts'

// What `replayInThread` starts.
const PROGRESS_MS = 100

const port = parentPort!
const asked = workerData as ReplayAsked
const tell = (told: ReplayTold) => port.postMessage(told)
const stop = new AbortController()
port.once('message', () => stop.abort())

let toldAt = 0
try {
  const summary = await replayCorpus({
    ...asked,
    admin: adminClient(asked.server, asked.server, asked.token),
    openSocket: wsSocket,
    clock: systemClock,
    stop: stop.signal,
    progress({ steps, chats }) {
      const now = systemClock.now()
      if (now - toldAt < PROGRESS_MS) return
      toldAt = now
      tell({ kind: 'progress', steps, chats })
    },
  })
  tell({ kind: 'done', summary })
} catch (error) {
  const { exitCode = 2, message, hint } = error as Partial<CommandFailure> & Error
  tell({ kind: 'failed', exitCode, message, hint })
}
port.close()
