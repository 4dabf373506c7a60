import { hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { createFairQueue, type FairQueue } from './fair-queue.ts'

/**
 * What is stored instead of a password.
 *
 * `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>` for a password that a person chose: slow on purpose.
 * `key$<sha-256>` for a key that this program generated: it holds 256 random bits, which no amount of guessing
 * finds, so stretching it would only slow down its owner.
 *
 * The shape of what was typed decides what a check costs, never what is stored: 43 base64url characters are compared as
 * a key, anything else is stretched as a password. So the time of an answer does not tell whether an account exists,
 * nor which kind of secret it has. A password of that shape is refused when it is chosen.
 *
 * `stretched-key$…` is a generated key that was stretched all the same: an early operator's one-time password. That
 * account's name is public, so what its check costs tells nothing.
 */
const LOG2_N = 15
const R = 8
const P = 3
const HASH_BYTES = 32
const STRETCHED_KEY = 'stretched-key$'

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const derived = await stretch(password, salt, { log2n: LOG2_N, r: R, p: P }, { turn: 'first' })
  return ['scrypt', LOG2_N, R, P, salt.toString('base64url'), derived.toString('base64url')].join('$')
}

/** 256 random bits, 43 characters. */
export function newKey(): string {
  return randomBytes(32).toString('base64url')
}

export function isKeyShaped(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

export function keySecret(key: string): string {
  if (!isKeyShaped(key)) throw new Error('A key is 43 base64url characters, as newKey makes them.')
  return `key$${hash('sha256', key, 'hex')}`
}

/** Who is served first while more passwords wait than can be stretched at once. */
type Turn = 'first' | 'after-others'
/** `from`: who sent it, because senders share the queue; undefined for this program itself. */
type Place = { readonly turn: Turn; readonly from?: string }

/**
 * Whether `candidate` is the password or key behind `stored`. Compares in constant time; for an account that
 * does not exist pass `undefined`, which costs as much as a wrong candidate of the same shape.
 */
export async function verifySecret(
  candidate: string,
  stored: string | undefined,
  place: Place = { turn: 'first' },
): Promise<boolean> {
  if (isKeyShaped(candidate) && !stored?.startsWith(STRETCHED_KEY)) {
    const expected = stored?.startsWith('key$') ? stored : NOBODYS_KEY
    return equal(Buffer.from(keySecret(candidate)), Buffer.from(expected)) && expected === stored
  }
  const comparable = stored?.startsWith('scrypt$') || stored?.startsWith(STRETCHED_KEY)
  const [, log2n, r, p, salt, expected] = (comparable ? stored! : NOBODYS_PASSWORD).split('$')
  const cost = { log2n: Number(log2n), r: Number(r), p: Number(p) }
  const derived = await stretch(candidate, Buffer.from(salt!, 'base64url'), cost, place)
  return equal(derived, Buffer.from(expected!, 'base64url')) && comparable === true
}

const NOBODYS_KEY = `key$${'0'.repeat(64)}`
const NOBODYS_PASSWORD = [
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
// Two queues: a flood of guesses from unknown devices does not keep people on their own devices out.
const waiting: Readonly<Record<Turn, FairQueue>> = {
  first: createFairQueue(WAITING_MAX),
  'after-others': createFairQueue(WAITING_MAX),
}

async function stretch(
  password: string,
  salt: Buffer,
  cost: { log2n: number; r: number; p: number },
  { turn, from = '' }: Place,
): Promise<Buffer> {
  if (running < RUNNING_MAX) running += 1
  else
    await new Promise<void>((go, reject) => waiting[turn].add(from, { go, refuse: () => reject(new TooManySignIns()) }))
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const options = { N: 2 ** cost.log2n, r: cost.r, p: cost.p, maxmem: 256 * 1024 * 1024 }
      scrypt(password, salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)))
    })
  } finally {
    const next = waiting.first.take() ?? waiting['after-others'].take()
    if (next) next.go()
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
