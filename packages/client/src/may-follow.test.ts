import { describe, expect, it } from 'vitest'
import { UnsafeAddressError } from './errors.ts'
import { fileUrls, requireFollowable } from './may-follow.ts'

describe('an address that a pool returns', () => {
  it.each([
    ['https://chat.example.com', 'http://chat.example.com', /without TLS/],
    ['wss://chat.example.com/channel', 'http://chat.example.com/files', /without TLS/],
    ['https://chat.example.com', 'ws://chat.example.com/channel', /without TLS/],
    ['http://chat.example.com', 'http://127.0.0.1:7464', /on this machine/],
    ['https://chat.example.com', 'https://localhost:7464', /on this machine/],
    ['https://chat.example.com', 'https://pool.localhost.', /on this machine/],
    ['https://chat.example.com', 'wss://[::1]:7465/channel', /on this machine/],
    ['https://chat.example.com', 'wss://[::ffff:127.0.0.1]/channel', /on this machine/],
    ['https://chat.example.com', 'https://0.0.0.0', /on this machine/],
    ['https://chat.example.com', 'https://2130706433', /on this machine/],
    ['https://chat.example.com', 'file:///etc/passwd', /not one of a pool/],
    ['https://chat.example.com', 'nonsense', /not one of a pool/],
  ])('is not followed from %s to %s', (from, to, why) => {
    expect(() => requireFollowable(from, to)).toThrow(why)
    expect(() => requireFollowable(from, to)).toThrow(UnsafeAddressError)
  })

  it.each([
    ['https://chat.example.com', 'wss://other.example.com/channel'],
    ['http://127.0.0.1:7464', 'ws://127.0.0.1:7465/channel'],
    ['http://localhost:7464', 'https://chat.example.com'],
    ['http://chat.example.com', 'https://chat.example.com'],
    ['http://10.0.0.1:7464', 'http://10.0.0.2:7465'],
  ])('is followed from %s to %s', (from, to) => {
    expect(() => requireFollowable(from, to)).not.toThrow()
  })
})

it('a file token is used at every file service, except at addresses that must not be followed', () => {
  const others = ['https://two.example.com/files', 'http://127.0.0.1:7467/files', 'https://one.example.com/files']
  expect(fileUrls('wss://chat.example.com/channel', 'https://one.example.com/files/upload', others)).toEqual([
    'https://one.example.com/files/upload',
    'https://two.example.com/files/upload',
  ])
})
