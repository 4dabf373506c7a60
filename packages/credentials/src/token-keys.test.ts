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
    const rotated = rotateTokenKeys(await readTokenKeys({ file }), { acceptedUntil: 5_000 })

    await replaceTokenKeyFile(file, rotated)

    expect(parseTokenKeys(await readFile(file, 'utf8')).signing?.id).toBe(rotated.signing!.id)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(directory)).toEqual(['keys.json'])
  })
})

describe('trust', () => {
  const first = newTokenKeys()
  const second = rotateTokenKeys(first, { acceptedUntil: 1_000 })
  const third = rotateTokenKeys(second, { acceptedUntil: 2_000 })
  const ids = (keys: ReturnType<typeof trustedKeys>) => [...keys.keys()].sort()

  it('follows the endorsements from a trusted key, however many rotations were missed', () => {
    const all = third.trusted.map(({ id }) => id).sort()

    expect(ids(trustedKeys(first.trusted, third.trusted))).toEqual(all)
    expect(ids(trustedKeys(first.trusted, [...third.trusted].reverse()))).toEqual(all)
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
      { ...rotateTokenKeys(mallory, { acceptedUntil: 1 }).trusted[0]! },
    ]

    for (const offered of forged) {
      expect(ids(trustedKeys(first.trusted, [offered]))).toEqual([first.signing!.id])
    }
  })

  it('ends for a replaced key', () => {
    const accepted = trustedKeys(first.trusted, second.trusted)

    expect(accepted.get(first.signing!.id)?.acceptedUntil).toBe(1_000)
    expect(accepted.get(second.signing!.id)?.acceptedUntil).toBeUndefined()
  })

  it('ends at once for a key that may have leaked', () => {
    const fresh = rotateTokenKeys(first, { compromised: true })

    expect(ids(trustedKeys(fresh.trusted, first.trusted))).toEqual([fresh.signing!.id])
    expect(ids(trustedKeys(first.trusted, fresh.trusted))).toEqual([first.signing!.id])
  })
})
