import { hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/**
 * What is stored instead of a password.
 *
 * `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>` for a password a person chose: slow on purpose.
 * `key$<sha-256>` for a key this program generated: it holds 256 random bits, which no amount of guessing
 * finds, so stretching it would only slow down the honest.
 */
const LOG2_N = 15
const R = 8
const P = 3
const HASH_BYTES = 32

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const derived = await stretch(password, salt, { log2n: LOG2_N, r: R, p: P })
  return ['scrypt', LOG2_N, R, P, salt.toString('base64url'), derived.toString('base64url')].join('$')
}

/** Why a text cannot be a password, or undefined when it can. */
export function passwordProblem(password: string): string | undefined {
  if (password.length < 8) return 'A password has at least 8 characters.'
  if (password.length > 1_024) return 'A password has at most 1,024 characters.'
  return undefined
}

/** 256 random bits, 43 characters. */
export function newKey(): string {
  return randomBytes(32).toString('base64url')
}

export function keySecret(key: string): string {
  return `key$${hash('sha256', key, 'hex')}`
}

/**
 * Whether `candidate` is the password or key behind `stored`. Compares in constant time; for an account that
 * does not exist pass `undefined`, which costs as much as a wrong password.
 */
export async function verifySecret(candidate: string, stored: string | undefined): Promise<boolean> {
  if (stored?.startsWith('key$')) return equal(Buffer.from(keySecret(candidate)), Buffer.from(stored))
  const [, log2n, r, p, salt, expected] = (stored ?? NOBODY).split('$')
  const derived = await stretch(candidate, Buffer.from(salt!, 'base64url'), {
    log2n: Number(log2n),
    r: Number(r),
    p: Number(p),
  })
  return equal(derived, Buffer.from(expected!, 'base64url')) && stored !== undefined
}

const NOBODY = [
  'scrypt',
  LOG2_N,
  R,
  P,
  Buffer.alloc(16).toString('base64url'),
  Buffer.alloc(HASH_BYTES, 1).toString('base64url'),
].join('$')

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

// Each derivation holds 32 MiB. Two at a time, whatever arrives: guessing must not be a way to fill the memory.
const RUNNING_MAX = 2
const WAITING_MAX = 256
let running = 0
const waiting: (() => void)[] = []

async function stretch(password: string, salt: Buffer, cost: { log2n: number; r: number; p: number }): Promise<Buffer> {
  if (running >= RUNNING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new TooManySignIns()
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else {
    running += 1
  }
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const options = { N: 2 ** cost.log2n, r: cost.r, p: cost.p, maxmem: 256 * 1024 * 1024 }
      scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)))
    })
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}

/** Transient: so many people are signing in with passwords that this one was not looked at. */
export class TooManySignIns extends Error {
  override name = 'TooManySignIns'
  constructor() {
    super('Too many sign-ins are waiting. Try again in a moment.')
  }
}
