#!/usr/bin/env node
import '@hansard/config/node-floor'
import { Env } from '@hansard/config'
import { runCommandLine } from './command-line.ts'

// The databases hold every chat, and a key file the key that signs tokens: what this process writes is its owner's
// alone.
process.umask(0o077)

// The only file that touches the process. The first signal asks politely, the second does what signals do.
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
// The reader of the output may stop reading: `hansard exports list | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    stop.abort()
  })
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: new Env(process.env),
  stop: stop.signal,
})
