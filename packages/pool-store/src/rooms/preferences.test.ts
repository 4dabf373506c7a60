import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPreference, PREFERENCE_CHARACTERS_MAX, PREFERENCE_LABELS_MAX, putPreference } from '../index.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('preferences on %s', (dialect) => {
  let store: StoreInTest
  let users = 0
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
  })
  afterAll(() => store?.close())

  const someone = async () => {
    const { id: principalId } = await store.addUser(`user${++users}`)
    return {
      put: (label: string, replaces: number, content: string) =>
        putPreference(store.db, { principalId, label, replaces, content }),
      find: (label: string) => findPreference(store.db, { principalId, label }),
    }
  }

  it('returns every text unchanged, and counts versions', async () => {
    const { put, find } = await someone()
    const odd = 'U+0000 \0, half \ud800, emoji 👩‍🚀, line\r\nbreak'

    expect(await put('ui', 0, 'first')).toEqual({ outcome: 'put', version: 1 })
    expect(await put('ui', 1, odd)).toEqual({ outcome: 'put', version: 2 })

    expect(await find('ui')).toEqual({ version: 2, content: odd })
    expect(await find('other')).toBeUndefined()
    expect(await find('\0')).toBeUndefined()
  })

  it('replaces only the named version; one of many concurrent attempts succeeds', async () => {
    const { put, find } = await someone()
    await put('ui', 0, 'first')

    expect(await put('ui', 0, 'again')).toEqual({ outcome: 'conflict', version: 1 })
    expect(await put('ui', 7, 'again')).toEqual({ outcome: 'conflict', version: 1 })
    expect(await put('new', 1, 'again')).toEqual({ outcome: 'conflict', version: 0 })
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => put('ui', 1, `by ${n}`)))

    expect(all.filter(({ outcome }) => outcome === 'put')).toHaveLength(1)
    expect(await find('ui')).toEqual({ version: 2, content: `by ${all.findIndex(({ outcome }) => outcome === 'put')}` })
  })

  it('bounds the number of bundles, the size of each and the total', async () => {
    const { put } = await someone()
    expect(await put('long', 0, 'x'.repeat(PREFERENCE_CHARACTERS_MAX + 1))).toMatchObject({ outcome: 'limit-exceeded' })
    const threeBytes = '€'.repeat(PREFERENCE_CHARACTERS_MAX)
    for (let n = 0; n < 26; n += 1) expect(await put(`big ${n}`, 0, threeBytes)).toMatchObject({ outcome: 'put' })

    expect(await put('one more', 0, threeBytes)).toMatchObject({ outcome: 'limit-exceeded' })
    expect(await put('big 0', 1, threeBytes)).toMatchObject({ outcome: 'put' })

    const other = await someone()
    for (let n = 0; n < PREFERENCE_LABELS_MAX; n += 1) await other.put(`small ${n}`, 0, 'x')
    expect(await other.put('one more', 0, 'x')).toMatchObject({ outcome: 'limit-exceeded' })
    expect(await other.put('small 0', 1, 'y')).toEqual({ outcome: 'put', version: 2 })
  })
})
