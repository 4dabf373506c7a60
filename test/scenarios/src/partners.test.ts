import { expect, it } from 'vitest'
import { startStory } from './story.ts'

it('marks actions of partners as not internal, as of their time', async () => {
  await using story = await startStory('partners')
  await story.ida.ask('changeCategory', { allowed: { add: ['ma-grp:*@litware.com'] } }, { category: 'General' })
  const { uri: desk } = await story.ida.ask('createRoom', { name: 'Desk', category: 'General', privacy: 'open' })
  const alice = await story.signIn('alice')
  const lena = await story.signIn('lena')
  const seat = await lena.enter(desk)
  await alice.enter(desk)

  await seat.post('Litware offers forty.')
  await story.ida.ask('changeUser', { internal: true, displayName: 'Lena Ciccu' }, { user: 'lena' })
  const hired = await story.signIn('lena')
  await (await hired.enter(desk)).post('I work for Fourth Coffee now.')

  expect(await alice.heard(desk)).toEqual(['Litware offers forty.', 'I work for Fourth Coffee now.'])
  const { strict } = await story.seal()
  const senderOf = (text: string) => new RegExp(`content="${text}" id="[0-9]+"><Sender ([^>]*)/>`).exec(strict)?.[1]
  expect(senderOf('Litware offers forty.')).toMatch(/UserName="Lena Ehrlich".*internal="false"/)
  expect(senderOf('I work for Fourth Coffee now.')).toMatch(/UserName="Lena Ciccu".*internal="true"/)
})
