import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { addLeaf, EMPTY_TREE, leafHash, nodeHash, rootOf } from './merkle-tree.ts'
import {
  formatSigningKey,
  formatVerifierKey,
  KeyProblem,
  newSigningKey,
  parseSigningKey,
  parseVerifierKey,
} from './note-key.ts'
import { isSignedBy, parseNote, signNote } from './signed-note.ts'

// From the documentation of Go's golang.org/x/mod/sumdb/note.
const GO = {
  verifier: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  signer: 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
}

const directory = mkdtempSync(join(tmpdir(), 'hansard-signing-'))
afterAll(() => rm(directory, { recursive: true }))

describe('a signed note', () => {
  it('is the one that Go makes with the same key, and Go’s verifies here', () => {
    const key = parseSigningKey(GO.signer)

    expect(formatVerifierKey(key.verifier)).toBe(GO.verifier)
    expect(formatSigningKey(key)).toBe(GO.signer)
    expect(signNote(GO.text, key)).toBe(`${GO.text}\n${GO.signature}`)
    expect(isSignedBy(parseNote(`${GO.text}\n${GO.signature}`)!, parseVerifierKey(GO.verifier))).toBe('valid')
  })

  it('is verified by openssl with the raw signature and the public key in DER', () => {
    const key = newSigningKey('hansard/fourth-coffee')
    const { text, signatures } = parseNote(signNote('one\n\ntwo\n', key))!
    const path = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(directory, name), content)
      return join(directory, name)
    }
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.verifier.publicKey])
    const signature = path('signature', signatures[0]!.signature)
    const args = ['pkeyutl', '-verify', '-rawin', '-pubin', '-keyform', 'DER', '-inkey', path('key', der)]

    const answer = execFileSync('openssl', [...args, '-sigfile', signature, '-in', path('text', text)])
    expect(String(answer)).toContain('Signature Verified Successfully')
    const altered = () =>
      execFileSync('openssl', [...args, '-sigfile', signature, '-in', path('text', 'one\n\nTwo\n')], {
        stdio: 'ignore',
      })
    expect(altered).toThrow()
  })

  it('is invalid when a bit of its text or of its signature is another, and absent for another key', () => {
    const key = newSigningKey('pool')
    const other = newSigningKey('pool')
    const note = signNote('size 7\n', key)

    expect(isSignedBy(parseNote(note.replace('7', '8'))!, key.verifier)).toBe('invalid')
    const { text, signatures } = parseNote(note)!
    const flipped = {
      ...signatures[0]!,
      signature: signatures[0]!.signature.map((byte, at) => (at === 9 ? byte ^ 1 : byte)),
    }
    expect(isSignedBy({ text, signatures: [flipped] }, key.verifier)).toBe('invalid')
    // One good signature does not excuse a bad one of the same key.
    expect(isSignedBy({ text, signatures: [...signatures, flipped] }, key.verifier)).toBe('invalid')
    expect(isSignedBy(parseNote(note)!, other.verifier)).toBe('absent')
    expect(isSignedBy(parseNote(signNote('size 7\n', other, key))!, key.verifier)).toBe('valid')
  })

  it.each([
    '',
    'text\n',
    'text\n\n',
    'text\n\n— name AAAAAAA=',
    'text\n\n- name AAAAAAA=\n',
    'text\n\n— na+me AAAAAAA=\n',
    'text\n\n— name AAAAAA\n',
    'text\n\n— name AAAA\n',
    'te\u0007xt\n\n— name AAAAAAA=\n',
    `text\n\n${'— name AAAAAAA=\n'.repeat(101)}`,
    `${'x'.repeat(1_000_000)}\n\n— name AAAAAAA=\n`,
  ])('is not %j', (text) => {
    expect(parseNote(text)).toBeUndefined()
  })
})

describe('a key', () => {
  it('of another hash, with another length or of another algorithm is refused, and the message holds nothing of it', () => {
    const key = newSigningKey('pool')
    const text = formatSigningKey(key)
    const secret = text.split('+').slice(4).join('+')
    const wrong = [
      text.replace(key.verifier.id, '00000000'),
      text.slice(0, -4),
      text.replace(/\+AX?/, '+AQ'),
      text.replace('PRIVATE', 'private'),
      `${text}\n`,
    ]
    for (const each of wrong) {
      expect(() => parseSigningKey(each)).toThrow(KeyProblem)
      expect(() => parseSigningKey(each)).not.toThrow(secret.slice(0, 20))
    }
    expect(() => parseVerifierKey(GO.verifier.replace('c74f', 'c74e'))).toThrow(KeyProblem)
    expect(() => parseVerifierKey('PeterNeumann')).toThrow(KeyProblem)
    expect(() => newSigningKey('two words')).toThrow('holds a space')
  })
})

describe('the tree', () => {
  /** MTH of RFC 6962, 2.1, as it is written there. */
  function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
    if (leaves.length === 0) return createHash('sha256').digest()
    if (leaves.length === 1) return leafHash(leaves[0]!)
    let k = 1
    while (k * 2 < leaves.length) k *= 2
    return nodeHash(rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k)))
  }

  it('has the roots that Certificate Transparency publishes for its test tree', () => {
    // testdata of github.com/transparency-dev/merkle
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
    const roots = [
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ]
    let tree = EMPTY_TREE
    const found = [Buffer.from(rootOf(tree)).toString('hex')]
    for (const leaf of leaves) {
      tree = addLeaf(tree, leafHash(Buffer.from(leaf, 'hex')))
      found.push(Buffer.from(rootOf(tree)).toString('hex'))
    }
    expect(found).toEqual(roots)
  })

  it('has the root of the definition at every size, however it was grown', () => {
    const leaves = Array.from({ length: 130 }, (_, at) => Buffer.from(`line ${at}`))
    let tree = EMPTY_TREE
    for (let size = 0; size <= leaves.length; size++) {
      expect(Buffer.from(rootOf(tree))).toEqual(Buffer.from(rootByDefinition(leaves.slice(0, size))))
      if (size < leaves.length) tree = addLeaf(tree, leafHash(leaves[size]!))
    }
  })
})

describe('a checkpoint', () => {
  it('is read as it was written, with or without extension lines', () => {
    const checkpoint = { origin: 'hansard/pool', size: 7, root: Uint8Array.from(leafHash('x')) }
    const text = formatCheckpoint(checkpoint)
    expect(parseCheckpoint(text)).toEqual(checkpoint)
    expect(parseCheckpoint(`${text}extension\n`)).toEqual(checkpoint)
  })

  it.each(['', '\n1\nAA==\n', 'o\n01\nAA==\n', 'o\n1\nAA==\n', `o\n-1\n${'A'.repeat(43)}=\n`])('is not %j', (text) => {
    expect(parseCheckpoint(text)).toBeUndefined()
  })
})
