import { readFileSync } from 'node:fs'

/**
 * Preloaded into a service (`node --import`): its clock shows as many milliseconds more as the file says that
 * TEST_CLOCK_FILE names. Its timers and its machine's uptime are untouched, as when somebody sets a clock.
 */
const file = process.env['TEST_CLOCK_FILE']!
const READ_EVERY_MS = 20

const trueNow = Date.now
let aheadMs = 0
const read = () => {
  try {
    aheadMs = Number(readFileSync(file, 'utf8'))
  } catch {
    aheadMs = 0
  }
}
read()
setInterval(read, READ_EVERY_MS).unref()
Date.now = () => trueNow() + aheadMs
