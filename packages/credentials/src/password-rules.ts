import { isKeyShaped } from './secret.ts'

/**
 * Which passwords may be chosen, after NIST SP 800-63B-4, section 3.1.1.2: no rules of composition, but nothing that
 * guessers try first. How short one may be is the pool's setting (docs/decisions/2611-passwords-and-guessing.md).
 */
export const PASSWORD_CHARACTERS_MIN = 8
const PASSWORD_CHARACTERS_MAX = 1_024

/** Why a text cannot be the password of this account, or undefined when it can. */
export async function passwordProblem(
  password: string,
  {
    account,
    charactersMin = PASSWORD_CHARACTERS_MIN,
  }: { account?: string | undefined; charactersMin?: number | undefined } = {},
): Promise<string | undefined> {
  // Code points, as a person counts: an emoji is one character.
  const length = [...password].length
  if (length < charactersMin) return `A password has at least ${charactersMin} characters.`
  if (password.length > PASSWORD_CHARACTERS_MAX) return 'A password has at most 1,024 characters.'
  if (isKeyShaped(password))
    return 'A password may not have the form of a generated key (43 letters, digits, - and _). Add a space, for example.'
  const folded = password.normalize('NFKC').toLowerCase()
  if (account !== undefined && isNameOf(account, folded))
    return 'This password is the name of the account. Choose another.'
  const unit = repeatedUnit(folded)
  if (isRun(unit)) return 'This password is a run of one character or of neighbouring ones. Choose another.'
  const common = await commonPasswords()
  if (common.has(folded) || common.has(unit) || isCommonWithRun(folded, common))
    return 'This password is among those that guessers try first. Choose another.'
  return undefined
}

/** The shortest text whose repetition the whole is: `abc` of `abcabcab`. The whole itself when it repeats nothing. */
function repeatedUnit(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    const unit = text.slice(0, length)
    if (unit.repeat(Math.ceil(text.length / length)).startsWith(text)) return unit
  }
  return text
}

/** One character, or each the neighbour of the one before: `abcdef`, `123456789012345` (after 9 comes 0), `987`. */
function isRun(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0)!)
  const isStep = (by: number) =>
    codes.every((code, at) => at === 0 || code - codes[at - 1]! === by || code - codes[at - 1]! === -9 * by)
  return codes.length <= 1 || isStep(1) || isStep(-1)
}

/** A common password and, before or after it, a run of digits or signs, or a year: `password1234!`, `Password2026`. */
function isCommonWithRun(text: string, common: ReadonlySet<string>): boolean {
  const [, before = '', word = '', after = ''] = /^(\P{L}*)(.*?)(\P{L}*)$/su.exec(text) ?? []
  return (
    common.has(word) &&
    [before, after].every(
      (part) =>
        part.length <= 2 || isRun(repeatedUnit(part)) || /^[^\p{L}\p{N}]?(19|20)\d\d[^\p{L}\p{N}]?$/u.test(part),
    )
  )
}

/** The account, or the part before `@`, whatever digits and signs are added. */
function isNameOf(account: string, password: string): boolean {
  const typed = lettersOf(password)
  if (typed === '') return false
  const name = account.normalize('NFKC').toLowerCase()
  return [name, name.split('@', 1)[0]!].some((part) => part.length >= 3 && lettersOf(part) === typed)
}

function lettersOf(text: string): string {
  return text.replace(/\P{L}+/gu, '')
}

let loaded: Promise<ReadonlySet<string>> | undefined

/** Some 40,000, most common first. Loaded when the first password is chosen: signing in does not need them. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  loaded ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common'].map((password) => password.toLowerCase())),
  )
  return loaded
}
