import { vi } from 'vitest'

/**
 * Makes the UUIDs of rooms, categories, sessions and files count up from 1, so that the same story gives the same
 * bytes. Tokens, keys and salts come from elsewhere and remain random. Returns a function that ends it.
 */
export function seedIds(): () => void {
  let count = 0
  const spy = vi.spyOn(globalThis.crypto, 'randomUUID').mockImplementation(() => {
    count += 1
    return `00000000-0000-4000-8000-${count.toString(16).padStart(12, '0')}`
  })
  return () => spy.mockRestore()
}
