"""Words that mean the same in any shop: what a shop's table of synonyms begins with. People edit it from there on.

German and English stand in one group: catalogues are often in one language and visitors in the other. A line is a
group; only words that are no compounds or inflections of each other need to be said, the analysis knows those.
"""

_BOTH = """
schuhe, shoes, footwear
turnschuhe, sportschuhe, sneakers, sneaker, sports shoes, trainers
laufschuhe, running shoes
wanderschuhe, hiking shoes, hiking boots, trekkingschuhe
stiefel, boots
sandalen, sandals
hausschuhe, slippers, pantoffeln
flip flops, zehentrenner, badelatschen
absatzschuhe, pumps, high heels, heels
ballerinas, flats
hemd, shirt
t-shirt, tshirt
bluse, blouse
pullover, pulli, sweater, jumper
sweatshirt, hoodie, kapuzenpullover
jacke, jacket
mantel, coat
regenjacke, rain jacket
weste, vest, gilet
anzug, suit
sakko, blazer
hose, hosen, trousers, pants
kurze hose, shorts
trainingshose, jogginghose, track pants, sweatpants
leggings, tights
kleid, kleider, dress, dresses
rock, skirt
unterwäsche, underwear, innerwear
unterhose, slip, briefs
büstenhalter, bh, bra
boxershorts, boxers, trunks
socken, strümpfe, socks
schlafanzug, pyjama, pajamas, night suit, nightwear
badehose, badeanzug, swimwear, swimsuit
gürtel, belt
krawatte, schlips, tie
schal, scarf
halstuch, scarves
tuch, stole, dupatta
handschuhe, gloves
mütze, beanie, cap
kappe, cap, basecap
hut, hat
rucksack, backpack, rucksacks
tasche, bag
handtasche, handbag, purse
geldbörse, geldbeutel, portemonnaie, brieftasche, wallet
koffer, reisekoffer, suitcase, luggage, trolley bag
laptoptasche, laptop bag
uhr, armbanduhr, watch, wristwatch
sonnenbrille, sunglasses
stirnlampe, headlamp, head torch
schmuck, jewellery, jewelry
kette, halskette, necklace, pendant
armband, armreif, bracelet, bangle
ohrringe, earrings
parfüm, parfum, duft, perfume, fragrance
lippenstift, lipstick
nagellack, nail polish
lidschatten, eyeshadow
deo, deodorant
damen, frauen, women, ladies, woman, lady
herren, männer, men, gents, man
kinder, kids, children
mädchen, girls, girl
jungen, jungs, boys, boy
baby, säugling, infant
rot, red
blau, blue
grün, green
gelb, yellow
schwarz, black
weiß, white
grau, gray, grey
braun, brown
rosa, pink
lila, violett, purple
silber, silver
gold, golden
türkis, turquoise, teal
bunt, mehrfarbig, multicolored, multi
dunkelblau, marineblau, navy blue, navy
handy, smartphone, mobiltelefon, cell phone, mobile phone, mobile
handyhülle, handytasche, phone case, mobile pouch
hülle, schutzhülle, case, cover
ladegerät, ladekabel, charger
akku, batterie, battery
kopfhörer, headphones, headset, earphones
ohrhörer, earbuds, in-ear
lautsprecher, boxen, speaker, speakers
fernseher, tv, television
computer, pc, desktop
laptop, notebook
tablet, tablets
bildschirm, monitor
tastatur, keyboard
maus, mouse
drucker, printer
druckerpatrone, tintenpatrone, ink cartridge, ink
kamera, fotoapparat, camera
objektiv, lens
speicherkarte, memory card
festplatte, hard drive
stick, usb-stick, flash drive
spielkonsole, konsole, console
videospiel, computerspiel, video game, game
kühlschrank, refrigerator, fridge
waschmaschine, washing machine, washer
trockner, dryer
spülmaschine, geschirrspüler, dishwasher
backofen, ofen, oven
mikrowelle, microwave
herd, stove, range
staubsauger, vacuum, vacuum cleaner
kaffeemaschine, coffee maker
wasserkocher, kettle
mixer, blender
bügeleisen, iron
föhn, haartrockner, hair dryer
rasierer, shaver, razor
glühbirne, leuchtmittel, light bulb
kabel, cable
zubehör, accessories
fahrrad, rad, bike, bicycle
fahrradhelm, bike helmet
ball, bälle, balls
fußball, football, soccer
zelt, tent
schlafsack, sleeping bag
isomatte, luftmatratze, sleeping mat
trinkflasche, water bottle, drink bottle
hantel, kurzhantel, dumbbell
matte, mat
brille, glasses, goggles
ski, skis
milch, milk
käse, cheese
butter, butter
joghurt, jogurt, yogurt, yoghurt
erdbeerjoghurt, strawberry yoghurt
sahne, cream
eis, eiscreme, speiseeis, ice cream
brot, bread
brötchen, semmel, schrippe, rolls
kuchen, cake
keks, kekse, plätzchen, cookies, biscuits
schokolade, schoki, chocolate
bonbons, lutscher, candy, sweets
gummibärchen, fruchtgummi, gummy bears
chips, kartoffelchips, crisps
nudeln, pasta, teigwaren
reis, rice
kartoffeln, erdäpfel, potatoes
mehl, flour
zucker, sugar
salz, salt
öl, oil
essig, vinegar
honig, honey
marmelade, konfitüre, fruchtaufstrich, jam
nussnougatcreme, nutella, hazelnut spread
müsli, muesli, cereals
haferflocken, oats, oatmeal
wurst, sausage
würstchen, wiener, frankfurter
schinken, ham
hähnchen, huhn, geflügel, chicken
rind, rindfleisch, beef
schwein, schweinefleisch, pork
fisch, fish
thunfisch, tuna
lachs, salmon
gemüse, vegetables
obst, früchte, fruit
tomaten, paradeiser, tomatoes
gurke, gurken, cucumber, pickles
zwiebeln, onions
quark, topfen, curd
apfel, apple
birne, pear
kirsche, cherry
erdbeere, strawberry
zitrone, lemon
saft, juice
wasser, water
mineralwasser, mineral water
limonade, limo, brause, lemonade, soda
bier, beer
wein, wine
rotwein, red wine
weißwein, white wine
sekt, sparkling wine
kaffee, coffee
tee, tea
kakao, cocoa
suppe, eintopf, soup
senf, mustard
ketchup, tomatenketchup
nüsse, nuts
mandeln, almonds
vegan, pflanzlich, plant-based
bio, biologisch, öko, organic
glutenfrei, gluten free
laktosefrei, lactose free
zuckerfrei, sugar free, sugarless
"""


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.strip() for word in line.split(",")) for line in text.strip().splitlines())


BEGINNINGS = {"de": _groups(_BOTH), "en": _groups(_BOTH)}
