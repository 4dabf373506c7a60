import { systemClock } from '@hansard/clock'
import { type Admin, AdminRefused } from '@hansard/test-pool'

const WITHIN_MS = 90_000

/** Seals. A source whose clock was a little ahead has stamped what an interval that ends now would not contain. */
export async function seal(admin: Admin): Promise<void> {
  for (const until = systemClock.now() + WITHIN_MS; ; ) {
    try {
      await admin.request('seal')
      return
    } catch (error) {
      if (!(error instanceof AdminRefused && error.status === 409) || systemClock.now() > until) throw error
      await systemClock.sleep(1_000)
    }
  }
}
