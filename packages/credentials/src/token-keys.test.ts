import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createTokenKeyFile,
  formatTokenKeys,
  newTokenKeys,
  type PublicTokenKey,
  publicPart,
  readTokenKeys,
  replaceTokenKeyFile,
  rotateTokenKeys,
  trustedKeys,
} from './index.ts'
import { parseTokenKeys } from './token-keys.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-keys-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('a key file', () => {
  it('is created once, for its owner only, and read again', async () => {
    const file = join(directory, 'deep', 'keys.json')
    const first = newTokenKeys()

    expect(await createTokenKeyFile(file, first)).toBe('created')
    expect(await createTokenKeyFile(file, newTokenKeys())).toBe('kept')

    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readTokenKeys({ file })).signing?.id).toBe(first.signing!.id)
    expect(await readdir(join(directory, 'deep'))).toEqual(['keys.json'])
  })

  it.each([0o640, 0o604, 0o620, 0o602])('with a private key is refused with mode %o', async (mode) => {
    const file = join(directory, 'keys.json')
    await createTokenKeyFile(file, newTokenKeys())
    await chmod(file, mode)

    await expect(readTokenKeys({ file })).rejects.toThrow(`run \`chmod 600 ${file}\``)
  })

  it('without a private key may be read by everybody, and changed by its owner only', async () => {
    const file = join(directory, 'public.json')
    await writeFile(file, formatTokenKeys(publicPart(newTokenKeys())))
    await chmod(file, 0o644)
    expect((await readTokenKeys({ file })).signing).toBeUndefined()

    await chmod(file, 0o664)

    await expect(readTokenKeys({ file })).rejects.toThrow('chmod go-w')
  })

  it('with other content is refused, without revealing it', async () => {
    const { signing, trusted } = newTokenKeys()
    const another = newTokenKeys()
    const text = formatTokenKeys({ signing: signing!, trusted })
    const damaged = [
      'secret words',
      '{}',
      text.replace(signing!.id, another.signing!.id),
      formatTokenKeys({ signing: signing!, trusted: another.trusted }),
    ]

    for (const content of damaged) {
      const reading = readTokenKeys({ text: content, named: 'HANSARD_TOKEN_KEY' })
      await expect(reading).rejects.toThrow(/^HANSARD_TOKEN_KEY is not a token key file/)
    }
  })

  it('is replaced atomically', async () => {
    const file = join(directory, 'keys.json')
    await createTokenKeyFile(file, newTokenKeys())
    const rotated = rotateTokenKeys(await readTokenKeys({ file }), { acceptedUntil: 5_000, now: 0 })

    await replaceTokenKeyFile(file, rotated)

    expect(parseTokenKeys(await readFile(file, 'utf8')).signing?.id).toBe(rotated.signing!.id)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['keys.json'])
  })
})

describe('trust', () => {
  const first = newTokenKeys()
  const second = rotateTokenKeys(first, { acceptedUntil: 1_000, now: 0 })
  const third = rotateTokenKeys(second, { acceptedUntil: 2_000, now: 0 })
  const ids = (keys: ReturnType<typeof trustedKeys>) => [...keys.keys()].sort()

  it('follows the endorsements from a trusted key, however many rotations were missed', () => {
    const all = third.trusted.map(({ id }) => id).sort()

    expect(ids(trustedKeys(first.trusted, third.trusted, 0))).toEqual(all)
    expect(ids(trustedKeys(first.trusted, [...third.trusted].reverse(), 0))).toEqual(all)
  })

  it('does not follow planted keys: without endorsement, with a forged one, or under a known id', () => {
    const mallory = newTokenKeys()
    const own = mallory.trusted[0]!
    const [newest] = second.trusted as [PublicTokenKey]
    const forged: PublicTokenKey[] = [
      own,
      { ...own, endorsement: newest.endorsement },
      { ...own, endorsement: { by: first.signing!.id, signature: 'AAAA' } },
      { ...own, id: newest.id, endorsement: newest.endorsement },
      { ...rotateTokenKeys(mallory, { acceptedUntil: 1, now: 0 }).trusted[0]! },
    ]

    for (const offered of forged) {
      expect(ids(trustedKeys(first.trusted, [offered], 0))).toEqual([first.signing!.id])
    }
  })

  it('does not follow a key whose time has ended', () => {
    const stolen = { signing: first.signing, trusted: first.trusted }
    const planted = rotateTokenKeys(stolen, { acceptedUntil: 9_000, now: 0 }).trusted[0]!

    expect(ids(trustedKeys(second.trusted, [planted], 999))).toContain(planted.id)
    expect(ids(trustedKeys(second.trusted, [planted], 1_000))).not.toContain(planted.id)
    // The end of its time is in the database alone.
    expect(ids(trustedKeys(first.trusted, [...second.trusted, planted], 1_000))).toEqual([first.signing!.id])
  })

  it('is taken from an ended key with the next rotation', () => {
    const next = rotateTokenKeys(second, { acceptedUntil: 2_000, now: 1_000 })

    expect(next.trusted.map(({ id }) => id)).toEqual([next.signing!.id, second.signing!.id])
  })

  it('ends for a replaced key', () => {
    const accepted = trustedKeys(first.trusted, second.trusted, 0)

    expect(accepted.get(first.signing!.id)?.acceptedUntil).toBe(1_000)
    expect(accepted.get(second.signing!.id)?.acceptedUntil).toBeUndefined()
  })

  it('ends at once for a key that may have leaked', () => {
    const fresh = rotateTokenKeys(first, { compromised: true })

    expect(ids(trustedKeys(fresh.trusted, first.trusted, 0))).toEqual([fresh.signing!.id])
    expect(ids(trustedKeys(first.trusted, fresh.trusted, 0))).toEqual([first.signing!.id])
  })
})
