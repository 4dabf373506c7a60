import { hash } from 'node:crypto'
import type { FileToken } from '@hansard/client'
import { EICAR_SIGNATURE, startClamd } from '@hansard/test-servers'
import { expect, it, onTestFinished } from 'vitest'
import { refusal } from './person.ts'
import { startStory } from './story.ts'

const OFFER = 'Fourth Coffee offers 40 cents a pound.\n'
const OFFER_SHA256 = hash('sha256', OFFER, 'hex')
const SIZE = Buffer.byteLength(OFFER)

const put = (token: Pick<FileToken, 'url' | 'token'>) =>
  fetch(token.url, { method: 'PUT', headers: { authorization: `Bearer ${token.token}` }, body: OFFER })
const get = (token: Pick<FileToken, 'url' | 'token'>) =>
  fetch(token.url, { headers: { authorization: `Bearer ${token.token}` } })

it('records who uploaded and who downloaded which bytes, and lists the files for the archive', async () => {
  await using story = await startStory('files')
  const room = { name: 'Desk', category: 'General', members: ['alice', 'bob'] }
  const { uri: desk } = await story.ida.ask('createRoom', room)
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const seat = await alice.enter(desk)

  const up = await alice.uploadToken(desk, { fileName: 'Offer <final>.txt', size: SIZE })
  const answer = await put(up)
  const { link, sha256 } = (await answer.json()) as { link: string; sha256: string }
  await seat.post(link)
  const down = await bob.downloadToken(desk, link)
  const taken = await (await get(down)).text()

  expect([answer.status, sha256, taken]).toEqual([201, OFFER_SHA256, OFFER])
  const { strict, extended, attachments, counts } = await story.seal()
  expect(counts).toMatchObject({ 'file-upload': 1, 'file-download': 1, chat: 1 })
  for (const text of [extended, attachments]) expect(text).toContain(OFFER_SHA256)
  expect(strict).toContain('FILEUPLOAD')
  for (const text of [strict, extended, attachments]) {
    expect(text).not.toContain(up.token)
    expect(text).not.toContain(down.token)
  }
})

it('refuses a token of another user, an expired one, one of the other kind, and one of a removed member', async () => {
  await using story = await startStory('file-tokens')
  const { ida } = story
  const room = { name: 'Desk', category: 'General', members: ['alice', 'bob'] }
  const { uri: desk } = await ida.ask('createRoom', room)
  const { uri: floor } = await ida.ask('createRoom', { name: 'Floor', category: 'General', members: ['carol'] })
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const carol = await story.signIn('carol')
  const fileName = 'Offer.txt'
  const up = await alice.uploadToken(desk, { fileName, size: SIZE })
  const { link } = (await (await put(up)).json()) as { link: string }

  expect(await refusal(carol.downloadToken(desk, link))).toBe('not-a-member')
  expect(await refusal(carol.downloadToken(floor, link))).toBe('no-such-file')
  const bobs = await bob.downloadToken(desk, link)
  const statuses = async (...answers: Promise<Response>[]) => (await Promise.all(answers)).map(({ status }) => status)
  expect(await statuses(get({ ...bobs, token: 'A'.repeat(43) }), get({ ...bobs, token: up.token }))).toEqual([404, 404])

  await ida.ask('changeRoomRoles', { members: { remove: ['bob'] } }, { room: desk })
  expect(await statuses(get(bobs))).toEqual([404])

  const early = await alice.uploadToken(desk, { fileName, size: SIZE })
  await ida.ask('changeCategory', { fileUpload: false }, { category: 'General' })
  expect(await refusal(alice.uploadToken(desk, { fileName, size: SIZE }))).toBe('file-upload-off')
  expect(await statuses(put(early))).toEqual([404])

  const last = await alice.downloadToken(desk, link)
  story.later({ minutes: 31 })
  expect(await statuses(get(last))).toEqual([404])
  const { counts } = await story.seal()
  expect(counts).toMatchObject({ 'file-upload': 1, 'file-download': 0 })
})

it('shows an officer which file the scanner refused, and whose it was', async () => {
  const clamd = await startClamd()
  onTestFinished(() => clamd.stop())
  await using story = await startStory('quarantined-file', { clamd: clamd.url })
  const room = { name: 'Desk', category: 'General', members: ['alice', 'bob'] }
  const { uri: desk } = await story.ida.ask('createRoom', room)
  const alice = await story.signIn('alice')
  const bob = await story.signIn('bob')
  const seat = await alice.enter(desk)

  const body = 'Offer, with EICAR in it.\n'
  const up = await alice.uploadToken(desk, { fileName: 'Offer <final>.exe', size: body.length })
  const answer = await fetch(up.url, { method: 'PUT', headers: { authorization: `Bearer ${up.token}` }, body })
  await seat.post('It would not take the offer.')

  expect(answer.status).toBe(422)
  expect(await refusal(bob.downloadToken(desk, up.file))).toBe('no-such-file')
  const { strict, extended, attachments, counts, omitted } = await story.seal()
  const told = /<Message type="CHANGE"[^>]*subjectType="quarantined-file".*?<\/Message>/s.exec(extended)?.[0]
  expect(told).toContain('<Sender UserName="Alice Ciccu"')
  expect(told).toContain('subjectName="Offer _final_.exe"')
  const after = {
    ...{ sha256: hash('sha256', body, 'hex'), size: body.length, signature: EICAR_SIGNATURE },
    givenName: 'Offer &lt;final&gt;.exe',
  }
  for (const [name, value] of Object.entries(after)) expect(told).toMatch(new RegExp(`"${name}" .*value="${value}"`))
  expect(strict).not.toContain('EICAR')
  expect(strict).not.toContain('CHANGE')
  expect(counts).toMatchObject({ 'file-upload': 0, chat: 1, change: omitted['change'] })
  expect(attachments).toBe('')
})
