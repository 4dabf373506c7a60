#!/usr/bin/env node
// npm links a command when it installs, before anything is built: what it links has to be there already.
import { existsSync } from 'node:fs'

const built = new URL('dist/bin.js', import.meta.url)
if (existsSync(built)) {
  // Before the rest is loaded, which takes an old Node seconds.
  await import('@hansard/config/node-floor')
  await import(built.href)
} else {
  process.stderr.write('hansard: run `npm run build` first\n')
  process.exitCode = 2
}
