#!/usr/bin/env python3
"""Writes the *.jsonl files beside it: `python3 make.py`. The same items every time.

Hand-written items are lists of tuples; the others are built from templates, with answers computed where the question
is made. Twenty items for each of four grades of each of six tasks.
"""

import json
import pathlib
import random
import re

PER_GRADE = 20
HERE = pathlib.Path(__file__).parent


def exact(prompt, *answers):
    return {"kind": "exact_match", "prompt": prompt, "answers": list(answers), "example": answers[0]}


def numeric(prompt, answer):
    return {"kind": "numeric", "prompt": prompt, "answer": answer, "example": str(answer)}


def constraints(prompt, example, max_tokens=96, **wanted):
    return {"kind": "constraints", "prompt": prompt, "constraints": wanted, "example": example, "max_tokens": max_tokens}


def summary(prompt, text, groups, max_words, example, forbidden=()):
    item = {"kind": "contains_all", "prompt": f"{prompt}\n\n{text}", "answers": groups, "max_words": max_words,
            "example": example, "max_tokens": 96}
    if forbidden:
        item["forbidden"] = list(forbidden)
    return item


# Classification ------------------------------------------------------------------------------------------------------

SENTIMENT = [
    ("The soup was delicious and the waiter could not have been kinder.", "positive"),
    ("I love this jacket: warm, light, and it fits perfectly.", "positive"),
    ("A wonderful film; we talked about it all evening.", "positive"),
    ("Great little hotel, spotless rooms, and a breakfast to remember.", "positive"),
    ("The best bicycle I have ever owned.", "positive"),
    ("She explains everything so well that I finally enjoy maths.", "positive"),
    ("Fast delivery, beautiful packaging, happy customer!", "positive"),
    ("The garden tour was a delight from beginning to end.", "positive"),
    ("My parents adore their new radio.", "positive"),
    ("An excellent concert in a splendid hall.", "positive"),
    ("The soup was cold and the waiter was rude.", "negative"),
    ("I hate this jacket: it tore on the first day.", "negative"),
    ("A boring film; I fell asleep twice.", "negative"),
    ("Dirty rooms, a broken shower, and terrible noise all night.", "negative"),
    ("The worst bicycle I have ever owned.", "negative"),
    ("He shouts at the students and explains nothing.", "negative"),
    ("It arrived late, damaged, and with parts missing.", "negative"),
    ("The garden tour was a waste of money.", "negative"),
    ("My parents are very disappointed with their new radio.", "negative"),
    ("An awful concert: out of tune and far too loud.", "negative"),
]

HEADLINES = [
    ("Home side wins the cup after penalty shoot-out", "sports"),
    ("Veteran goalkeeper retires after 400 matches", "sports"),
    ("Sprinter breaks the national 200-metre record", "sports"),
    ("Underdogs reach the tennis doubles final", "sports"),
    ("Coach dismissed after seventh defeat in a row", "sports"),
    ("Shares of chip maker rise 8 percent after strong quarter", "business"),
    ("Supermarket chain to buy rival for two billion", "business"),
    ("Bakery company opens its third factory and hires 200", "business"),
    ("Airline raises ticket prices as fuel becomes dearer", "business"),
    ("Start-up files for bankruptcy owing suppliers millions", "business"),
    ("Telescope finds water vapour around a distant planet", "science"),
    ("Researchers sequence the genome of an ancient wheat", "science"),
    ("New microscope shows proteins folding in real time", "science"),
    ("Fossil of a feathered dinosaur described for the first time", "science"),
    ("Physicists measure the mass of a rare particle more exactly", "science"),
    ("Parliament passes the budget by three votes", "politics"),
    ("Minister resigns over leaked letters", "politics"),
    ("Voters go to the polls in regional elections", "politics"),
    ("Opposition calls for a referendum on the treaty", "politics"),
    ("President vetoes the new electoral law", "politics"),
]

INTENTS = ["refund", "delivery", "login", "cancellation", "invoice", "defect"]
MESSAGES = [
    ("I sent the shoes back two weeks ago and still have not seen my money.", "refund"),
    ("You charged me twice. Please pay back one of the two amounts.", "refund"),
    ("When will the sum for the returned lamp be on my account again?", "refund"),
    ("The tracking page has said 'on its way' for nine days.", "delivery"),
    ("Could the driver leave the parcel with my neighbour on Friday?", "delivery"),
    ("My order was supposed to arrive yesterday. Where is it?", "delivery"),
    ("It always says my password is wrong, even after I reset it.", "login"),
    ("I never get the code by text message, so I cannot get into my account.", "login"),
    ("My account is locked after three attempts. What now?", "login"),
    ("I would like to end my subscription at the end of the month.", "cancellation"),
    ("Please stop the monthly box, we are moving abroad.", "cancellation"),
    ("How do I get out of the contract before it renews itself?", "cancellation"),
    ("For my taxes I need the bill with our company's address on it.", "invoice"),
    ("The VAT number is missing on the document you sent with order 7714.", "invoice"),
    ("Please send me the bill for March again as a PDF.", "invoice"),
    ("The kettle stopped heating after one week.", "defect"),
    ("There is a crack in the screen that I certainly did not make.", "defect"),
    ("One leg of the table is shorter, so it wobbles.", "defect"),
    ("The zip of the tent broke the first time I used it.", "defect"),
    ("The headphones crackle on the left side since I unpacked them.", "defect"),
]

IRONY = [
    ("Not bad at all: I had feared the worst and was proved wrong.", "positive"),
    ("Great, another update that deletes my photos. Just what I needed.", "negative"),
    ("I cannot say that I was disappointed; quite the contrary.", "positive"),
    ("It would have been a lovely holiday, had the hotel existed.", "negative"),
    ("Hardly anyone who tried it wanted to go back to the old one.", "positive"),
    ("If you enjoy waiting on hold for an hour, this is the bank for you.", "negative"),
    ("I expected to hate it, and I have read it three times since.", "positive"),
    ("The only thing that worked was the off switch.", "negative"),
    ("You will not regret a single cent.", "positive"),
    ("A film nobody should have to sit through without a book.", "negative"),
]

RULES = ("Tickets are labelled by two rules. A ticket is 'urgent' if it is from a paying customer AND something has "
         "stopped working completely. Every other ticket is 'normal'. Reply with one word: urgent or normal.\n\nTicket: ")
TICKETS = [
    ("From a paying customer: the export button does nothing at all any more.", "urgent"),
    ("From a trial user: the whole site is down for me.", "normal"),
    ("From a paying customer: the colours of the chart could be nicer.", "normal"),
    ("From a paying customer: nobody in our company can log in since noon.", "urgent"),
    ("From a trial user: please add a dark theme.", "normal"),
    ("From a paying customer: search is a bit slower than last week, but works.", "normal"),
    ("From a trial user: the app crashes each time it is started.", "normal"),
    ("From a paying customer: payments fail, every single one of them.", "urgent"),
    ("From a customer with a paid plan: e-mails have not gone out at all since Monday.", "urgent"),
    ("From someone on the free plan: uploading is completely broken.", "normal"),
]


def classification(grade, _rng):
    if grade == 1:
        return [exact(f"Is this review positive or negative? Reply with one word.\n\nReview: {t}", a) for t, a in SENTIMENT]
    if grade == 2:
        return [exact("Which section does this headline belong to: sports, business, science or politics? Reply with "
                      f"one word.\n\nHeadline: {t}", a) for t, a in HEADLINES]
    if grade == 3:
        return [exact(f"What does this customer's message concern: {', '.join(INTENTS)}? Reply with one of these "
                      f"words.\n\nMessage: {t}", a) for t, a in MESSAGES]
    return ([exact("What does the writer really think, positive or negative? Reply with one word.\n\nText: " + t, a)
             for t, a in IRONY] + [exact(RULES + t, a) for t, a in TICKETS])


# Extraction ----------------------------------------------------------------------------------------------------------

FIRST = ["Amira", "Bruno", "Chiara", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Karla", "Leon",
         "Mira", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Samir", "Tilda"]
LAST = ["Abbott", "Berger", "Costa", "Dietz", "Evans", "Fischer", "Garcia", "Hansen", "Ivanov", "Jensen", "Keller",
        "Lindt", "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Turner"]
CITIES = ["Lisbon", "Oslo", "Vienna", "Cairo", "Lima", "Osaka", "Dublin", "Prague", "Nairobi", "Toronto"]
GOODS = ["lamps", "chairs", "kettles", "carpets", "mirrors", "clocks", "tables", "shelves", "pillows", "vases"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


def people(rng, n):
    return [f"{a} {b}" for a, b in zip(rng.sample(FIRST, n), rng.sample(LAST, n))]


def extraction_1(rng, i):
    name, city = people(rng, 1)[0], rng.choice(CITIES)
    number, phone = rng.randint(1000, 9999), f"555-{rng.randint(1000, 9999)}"
    mail = name.lower().replace(" ", ".") + "@example.org"
    fields = [("Name", name), ("City", city), ("Customer number", str(number)), ("Phone", phone), ("E-mail", mail)]
    key, value = fields[i % len(fields)]
    form = "\n".join(f"{k}: {v}" for k, v in fields)
    return exact(f"{form}\n\nWhat is the value of '{key}'? Reply with the value only.", value)


def extraction_2(rng, i):
    name, city, goods, day = people(rng, 1)[0], rng.choice(CITIES), rng.choice(GOODS), rng.choice(DAYS)
    count = rng.randint(12, 98)
    text = f"On {day} {name} ordered {count} {goods} for the new office in {city}."
    asked = [("Who placed the order? Reply with the full name only.", name),
             ("To which city does the order go? Reply with the city only.", city),
             ("On which day was the order placed? Reply with the day only.", day),
             ("What was ordered? Reply with one word.", goods)]
    if i % 5 == 4:
        return exact(f"{text}\n\nHow many pieces were ordered? Reply with the number only.", str(count),
                     f"{count} {goods}", f"{count} pieces")
    question, answer = asked[i % 5]
    return exact(f"{text}\n\n{question}", answer)


def extraction_3(rng, i):
    names, ages, cities = people(rng, 4), rng.sample(range(21, 70), 4), rng.sample(CITIES, 4)
    text = "\n".join(f"- {n}, {a} years old, lives in {c}" for n, a, c in zip(names, ages, cities))
    k = rng.randrange(4)
    asked = [("Who is the oldest? Reply with the full name only.", names[ages.index(max(ages))]),
             (f"Who lives in {cities[k]}? Reply with the full name only.", names[k]),
             ("Who is the youngest? Reply with the full name only.", names[ages.index(min(ages))]),
             (f"In which city does {names[k]} live? Reply with the city only.", cities[k])]
    question, answer = asked[i % 4]
    return exact(f"{text}\n\n{question}", answer)


def extraction_4(rng, i):
    names, cities, goods = people(rng, 4), rng.sample(CITIES, 4), rng.sample(GOODS, 4)
    prices = rng.sample(range(20, 95), 4)
    staff = " ".join(f"{n} runs the shop in {c}." for n, c in zip(names, cities))
    order = rng.sample(range(4), 4)
    stock = " ".join(f"The shop in {cities[k]} sells {goods[k]} at {prices[k]} euros." for k in order)
    k = rng.randrange(4)
    dearest = prices.index(max(prices))
    asked = [(f"Who runs the shop that sells {goods[k]}? Reply with the full name only.", names[k]),
             (f"What does the shop of {names[k]} sell? Reply with one word.", goods[k]),
             ("Who runs the shop with the highest price? Reply with the full name only.", names[dearest])]
    if i % 4 == 3:
        return exact(f"{staff} {stock}\n\nWhat is the price in the shop of {names[k]}? Reply with the number only.",
                     str(prices[k]), f"{prices[k]} euros", f"€{prices[k]}")
    question, answer = asked[i % 4]
    return exact(f"{staff} {stock}\n\n{question}", answer)


def extraction(grade, rng):
    make = [extraction_1, extraction_2, extraction_3, extraction_4][grade - 1]
    return [make(rng, i) for i in range(PER_GRADE)]


# Arithmetic ----------------------------------------------------------------------------------------------------------

ONLY = "Reply with the number only."


def arithmetic_1(rng, i):
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    if i % 2:
        return numeric(f"What is {a + b} - {b}? {ONLY}", a)
    return numeric(f"What is {a} + {b}? {ONLY}", a + b)


def arithmetic_2(rng, i):
    a, b = rng.randint(23, 99), rng.randint(12, 89)
    if i % 2:
        return numeric(f"What is {max(a, b)} - {min(a, b)}? {ONLY}", abs(a - b))
    return numeric(f"What is {a} + {b}? {ONLY}", a + b)


def arithmetic_3(rng, i):
    a, b, c = rng.randint(12, 49), rng.randint(6, 19), rng.randint(11, 60)
    asked = [(f"{a} * {b}", a * b), (f"{a} * {b % 10 + 2} - {c}", a * (b % 10 + 2) - c),
             (f"({a} + {c}) * {b % 5 + 2}", (a + c) * (b % 5 + 2)), (f"{b * c} / {b}", c)]
    question, answer = asked[i % 4]
    return numeric(f"What is {question}? {ONLY}", answer)


def arithmetic_4(rng, i):
    name = rng.choice(FIRST)
    if i % 5 == 0:
        boxes, each, sold = rng.randint(6, 14), rng.randint(12, 24), rng.randint(20, 60)
        shops = next(n for n in (4, 3, 2, 1) if (boxes * each - sold) % n == 0)
        return numeric(f"{name} buys {boxes} boxes of {each} candles, sells {sold} of the candles, and shares the rest "
                       f"equally between {shops} shops. How many candles does each shop get? {ONLY}",
                       (boxes * each - sold) // shops)
    if i % 5 == 1:
        speed, hours, extra = rng.randint(40, 90), rng.randint(2, 6), rng.randint(15, 75)
        left = rng.randint(20, 180)
        return numeric(f"{name} drives {hours} hours at {speed} km per hour and then {extra} km more. The whole way is "
                       f"{speed * hours + extra + left} km. How many kilometres are left? {ONLY}", left)
    if i % 5 == 2:
        price, count, percent = rng.randint(2, 9) * 20, rng.randint(3, 8), rng.choice([10, 20, 25, 50])
        return numeric(f"A chair costs {price} euros. {name} buys {count} of them, gets {percent} % off the sum, and "
                       f"pays 15 euros for delivery. How many euros is that? {ONLY}",
                       price * count * (100 - percent) // 100 + 15)
    if i % 5 == 3:
        a, b, years = rng.randint(8, 15), rng.randint(3, 6), rng.randint(4, 12)
        return numeric(f"{name} is {a} years old. Her aunt is {b} times as old. How old will the aunt be when {name} is "
                       f"{a + years}? {ONLY}", a * b + years)
    rows, seats, empty, fee = rng.randint(9, 19), rng.randint(11, 24), rng.randint(12, 48), rng.randint(3, 9)
    return numeric(f"A hall has {rows} rows of {seats} seats. {empty} seats stay empty, and every visitor pays {fee} "
                   f"euros. How many euros do the visitors pay together? {ONLY}", (rows * seats - empty) * fee)


def arithmetic(grade, rng):
    make = [arithmetic_1, arithmetic_2, arithmetic_3, arithmetic_4][grade - 1]
    items, asked = [], set()
    while len(items) < PER_GRADE:
        item = make(rng, len(items))
        repeats_the_question = re.findall(r"\d+", item["prompt"])[-1] == str(item["answer"])
        if item["prompt"] not in asked and not repeats_the_question:
            asked.add(item["prompt"])
            items.append(item)
    return items


# Recall --------------------------------------------------------------------------------------------------------------

RECALL = {
    1: [("What colour is a ripe banana?", "yellow"), ("Which animal says meow?", "cat", "cats"),
        ("How many legs does a spider have? Write a digit.", "8", "eight"),
        ("What do bees make that people eat?", "honey"),
        ("Which season comes after winter?", "spring"), ("What is frozen water called?", "ice"),
        ("How many days are in a week? Write a digit.", "7", "seven"),
        ("What is the capital of France?", "Paris"), ("Which day comes after Friday?", "Saturday"),
        ("What is the opposite of hot?", "cold"), ("Which planet do we live on?", "Earth"),
        ("What is the young of a dog called?", "puppy", "pup"), ("What falls from clouds in drops?", "rain", "water"),
        ("Which body part do we see with?", "eyes", "eye"), ("What gives us light by day?", "sun", "sunlight"),
        ("How many months are in a year? Write the number.", "12", "twelve"),
        ("Which month comes first in the year?", "January"), ("What is the largest animal in the sea?", "blue whale", "whale"),
        ("What colour does mixing blue and yellow paint give?", "green"),
        ("Which fruit does cider come from?", "apple", "apples")],
    2: [("What is the chemical symbol of gold?", "Au"), ("What is the capital of Japan?", "Tokyo"),
        ("Who wrote Romeo and Juliet?", "Shakespeare", "William Shakespeare"),
        ("Which gas do plants take from the air for photosynthesis?", "carbon dioxide", "CO2"),
        ("Which is the largest planet of the solar system?", "Jupiter"),
        ("What is the capital of Canada?", "Ottawa"), ("How many sides does a hexagon have? Write a digit.", "6", "six"),
        ("In which year did the Second World War end?", "1945"),
        ("Which organ pumps blood through the body?", "heart"),
        ("Which ocean lies between Europe and North America?", "Atlantic", "Atlantic Ocean"),
        ("What is the square root of 81? Write a digit.", "9", "nine"),
        ("Who painted the Mona Lisa?", "Leonardo da Vinci", "da Vinci", "Leonardo"),
        ("Which country has the city of Cairo as its capital?", "Egypt"),
        ("What is the chemical formula of water?", "H2O", "H₂O"),
        ("Which metal is liquid at room temperature?", "mercury"),
        ("On which continent is Kenya?", "Africa"),
        ("What is the longest river of South America?", "Amazon", "Amazon River"),
        ("Which planet is known for its large rings?", "Saturn"),
        ("Who was the first person to walk on the Moon?", "Neil Armstrong", "Armstrong"),
        ("What is the capital of Australia?", "Canberra")],
    3: [("Who developed the general theory of relativity?", "Albert Einstein", "Einstein"),
        ("What is the capital of Kazakhstan?", "Astana", "Nur-Sultan"),
        ("In which year did the Berlin Wall fall?", "1989"),
        ("Which element has the atomic number 26?", "iron", "Fe"),
        ("Who wrote One Hundred Years of Solitude?", "Gabriel García Márquez", "Gabriel Garcia Marquez", "García Márquez",
         "Garcia Marquez"),
        ("Which is the smallest prime number greater than 20?", "23"),
        ("Who composed The Magic Flute?", "Mozart", "Wolfgang Amadeus Mozart"),
        ("Which enzyme in saliva begins the digestion of starch?", "amylase", "salivary amylase", "ptyalin"),
        ("What is the currency of Switzerland?", "Swiss franc", "franc", "CHF", "francs", "Swiss francs"),
        ("Which treaty of 1919 ended the war between Germany and the Allies? Write the name of the town.", "Versailles"),
        ("Which strait separates Spain from Morocco?", "Gibraltar", "Strait of Gibraltar"),
        ("Which scientist discovered penicillin?", "Alexander Fleming", "Fleming"),
        ("What is the derivative of x squared?", "2x", "2*x", "2 x"),
        ("Which layer of the atmosphere lies directly above the troposphere?", "stratosphere"),
        ("Who wrote the novel Frankenstein?", "Mary Shelley", "Shelley"),
        ("Which city was called Constantinople until 1930?", "Istanbul"),
        ("What is the SI unit of electrical resistance?", "ohm", "ohms", "Ω"),
        ("Which organelle makes most of a cell's ATP?", "mitochondrion", "mitochondria"),
        ("Who formulated the laws of planetary motion in the early 17th century?", "Johannes Kepler", "Kepler"),
        ("Which mountain is the highest of Africa?", "Kilimanjaro", "Mount Kilimanjaro")],
    4: [("In which year was the Peace of Westphalia signed?", "1648"),
        ("Which mathematician proved Fermat's Last Theorem?", "Andrew Wiles", "Wiles"),
        ("What is the capital of Burkina Faso?", "Ouagadougou"),
        ("Which chemical element was named after the German word for goblin and has the symbol Co?", "cobalt"),
        ("Who composed the opera Wozzeck?", "Alban Berg", "Berg"),
        ("Which amino acid is coded by AUG?", "methionine", "Met"),
        ("Which philosopher wrote the Tractatus Logico-Philosophicus?", "Ludwig Wittgenstein", "Wittgenstein"),
        ("Which nerve is the tenth cranial nerve?", "vagus", "vagus nerve"),
        ("In which year did Constantinople fall to the Ottomans?", "1453"),
        ("What is the name of the largest moon of Neptune?", "Triton"),
        ("Who wrote The Man Without Qualities?", "Robert Musil", "Musil"),
        ("Which sorting algorithm, published by Hoare in 1961, partitions around a pivot?", "quicksort", "quick sort"),
        ("Which physicist gave his name to the temperature at which a ferromagnet loses its magnetism?", "Curie",
         "Pierre Curie"),
        ("Which battle of 1815 ended the rule of Napoleon?", "Waterloo", "Battle of Waterloo"),
        ("What is the official language of Suriname?", "Dutch"),
        ("Which vitamin is also called cobalamin?", "B12", "vitamin B12", "B-12", "vitamin B-12"),
        ("Who proved in 1931 that consistent formal arithmetic is incomplete?", "Kurt Gödel", "Gödel", "Kurt Godel",
         "Godel", "Kurt Goedel", "Goedel"),
        ("What is the deepest lake on Earth?", "Baikal", "Lake Baikal"),
        ("Which architect designed the Sagrada Família?", "Antoni Gaudí", "Gaudí", "Antoni Gaudi", "Gaudi"),
        ("Which mineral has hardness 9 on the Mohs scale?", "corundum")],
}


def recall(grade, _rng):
    return [exact(f"{question} Reply with the answer only.", *answers) for question, *answers in RECALL[grade]]


# Instructions --------------------------------------------------------------------------------------------------------

WORDS = ["river", "candle", "harbour", "orange", "violin", "desert", "window", "garden", "castle", "mirror", "bridge",
         "forest", "lantern", "pepper", "island", "carpet", "anchor", "meadow", "saddle", "tunnel"]
SUBJECTS = ["a cat", "the sea", "winter", "an old clock", "a market", "bread", "the moon", "a train", "tea", "a library"]
LISTS = [["apple", "pear", "plum", "fig"], ["red", "blue", "green", "white"], ["dog", "horse", "owl", "fox"],
         ["hammer", "saw", "drill", "file"], ["spoon", "fork", "knife", "plate"]]


def bullets(words, mark="- "):
    return "\n".join(mark + w for w in words)


def noun(subject):
    return subject.split()[-1]


# A reply that repeats the question does not follow it: where it could, "write" must not occur.
def instructions_1(rng, i):
    word, subject = WORDS[i], SUBJECTS[(i + i // 10) % 10]
    members = LISTS[(i // 5) % 5][:rng.randint(2, 4)]
    return [
        constraints(f"Repeat this word exactly, and write nothing else: {word}", word, equals=word),
        constraints(f"Write these words one per line, and nothing else: {', '.join(members)}", "\n".join(members),
                    equals="\n".join(members)),
        constraints(f"Write one sentence about {subject}.", f"There is something about {subject}.", sentences=[1, 1],
                    contains=[noun(subject)], excludes=["write"]),
        constraints(f"Write one sentence that contains the word '{word}'.", f"I saw the {word} at once.",
                    contains=[word], excludes=["write"]),
        constraints(f"Write the word '{word}' in capital letters, and nothing else.", word.upper(), equals=word.upper()),
    ][i % 5]


def instructions_2(rng, i):
    word, other, subject = WORDS[i], WORDS[(i + 7) % 20], SUBJECTS[(i + i // 10) % 10]
    members = LISTS[(i // 5) % 5][:rng.randint(2, 4)]
    return [
        constraints(f"Write these words one per line, each line beginning with '* ', and nothing else: "
                    f"{', '.join(members)}", bullets(members, "* "), equals=bullets(members, "* ")),
        constraints(f"Write one sentence about {subject} in at most 12 words.", f"I often think of {subject}.",
                    sentences=[1, 1], words=[2, 12], contains=[noun(subject)], excludes=["write"]),
        constraints(f"Write one sentence with the words '{word}' and '{other}'.",
                    f"Behind the {word} stood a {other}.", sentences=[1, 1], contains=[word, other], excludes=["write"]),
        constraints(f"Write a sentence about {subject} in lower case only, and without the word 'and'.",
                    f"{subject} is near.", case="lower", contains=[noun(subject)], excludes=[" and "]),
        constraints(f"Write the words '{word}' and '{other}' in capital letters, in this order, separated by a comma and "
                    "one space. Write nothing else.", f"{word.upper()}, {other.upper()}",
                    equals=f"{word.upper()}, {other.upper()}"),
    ][i % 5]


def instructions_3(rng, i):
    word, other, subject = WORDS[i], WORDS[(i + 3) % 20], SUBJECTS[(i + i // 10) % 10]
    members = LISTS[(i // 5) % 5][:rng.randint(2, 4)]
    name, age = rng.choice(FIRST), rng.randint(20, 60)
    shouted = bullets([m.upper() for m in members], "> ")
    return [
        constraints(f"Write these words one per line, each line beginning with '> ', all in capital letters, and nothing "
                    f"else: {', '.join(members)}", shouted, equals=shouted),
        constraints(f"Write exactly two sentences about {subject}. Begin with 'Well,' and use the word '{word}'.",
                    f"Well, here we are. I like {subject} and the {word}.", sentences=[2, 2], starts_with="Well,",
                    contains=[word, noun(subject)]),
        constraints(f"Write a JSON object with exactly the keys 'name' and 'age' for {name}, who is {age}. Write nothing "
                    "else.", json.dumps({"name": name, "age": age}), json_keys=["name", "age"],
                    contains=[name, str(age)]),
        constraints(f"Write a sentence about {subject} of 5 to 10 words that ends with '!' and contains '{other}'.",
                    f"Look, {subject} and a {other} over there!", words=[5, 10], ends_with="!",
                    contains=[other, noun(subject)]),
        constraints(f"Write the words '{word}', '{other}' and 'end' in this order, in capital letters, separated by "
                    "' - '. Write nothing else.", f"{word.upper()} - {other.upper()} - END",
                    equals=f"{word.upper()} - {other.upper()} - END"),
    ][i % 5]


def instructions_4(rng, i):
    words = rng.sample(WORDS, 4)
    sentence = f"The {words[0]} near the {words[1]} hides a {words[2]}"
    name, city, n = rng.choice(FIRST), rng.choice(CITIES), rng.randint(3, 5)
    reversed_words = " ".join(reversed(words))
    alphabetical = sorted(words)
    return [
        constraints(f"Write these words in reverse order, in capital letters, separated by spaces, and write nothing "
                    f"else: {' '.join(words)}", reversed_words.upper(), equals=reversed_words.upper()),
        constraints(f"Sort these words alphabetically and write one per line, each line beginning with '- ': "
                    f"{', '.join(words)}. Write nothing else.", bullets(alphabetical), equals=bullets(alphabetical)),
        constraints(f"In this sentence replace '{words[1]}' by '{words[3]}', write all of it in lower case, and end it "
                    f"with '?': {sentence}. Write nothing else.",
                    sentence.replace(words[1], words[3]).lower() + "?",
                    equals=sentence.replace(words[1], words[3]).lower() + "?"),
        constraints(f"Write a JSON object with exactly the keys 'city', 'guest' and 'nights' for this booking, and "
                    f"nothing else: {name} stays {n} nights in {city}.",
                    json.dumps({"city": city, "guest": name, "nights": n}), json_keys=["city", "guest", "nights"],
                    contains=[f'"{name}"', f'"{city}"', str(n)]),
        constraints(f"Write exactly {n} lines. Begin each line with 'Step: '. Use the word '{words[0]}', do not use the "
                    f"word '{words[1]}', and end the last line with 'done'.",
                    "\n".join(["Step: look"] * (n - 1) + [f"Step: the {words[0]} is done"]),
                    lines=[n, n], each_line_starts_with="Step: ", ends_with="done", contains=[words[0]],
                    excludes=[words[1]]),
    ][i % 5]


def instructions(grade, rng):
    make = [instructions_1, instructions_2, instructions_3, instructions_4][grade - 1]
    return [make(rng, i) for i in range(PER_GRADE)]


# Summarizing ---------------------------------------------------------------------------------------------------------

EVENTS = [  # (what happened, as a sentence with slots; what a summary must name; why; a shorter telling)
    ("The {place} library will close in July", [["library"], ["close", "closes", "closed", "closing", "closure", "shut"]],
     "Its roof has leaked for years, and the repair takes the whole summer.", "The {place} library closes."),
    ("A fire destroyed the {place} sawmill", [["fire", "burned", "burnt"], ["sawmill", "mill"]],
     "Nobody was hurt, because the workers had already gone home.", "Fire destroyed the {place} sawmill."),
    ("The bakery {name} founded in {place} has won a national prize", [["bakery"], ["prize", "award"]],
     "The jury praised its rye bread above all.", "A bakery from {place} won a prize."),
    ("The ferry to {place} is cancelled", [["ferry", "ferries"], ["cancelled", "canceled", "cancellation"]],
     "High waves make the crossing too dangerous.", "The ferry to {place} is cancelled."),
    ("{name} was elected mayor of {place}", [["mayor"], ["elected", "election", "wins", "won"]],
     "The count took until two in the morning.", "{name} was elected mayor."),
    ("The museum in {place} has bought a painting from 1870", [["museum"], ["painting"]],
     "It shows the old harbour before it was rebuilt.", "The museum in {place} bought a painting."),
    ("The school in {place} is getting a new gymnasium", [["school"], ["gymnasium", "gym"]],
     "The old one could not be heated any more.", "The school gets a new gymnasium."),
    ("A storm has damaged the railway line to {place}", [["storm"], ["railway", "rail", "line", "train", "trains"]],
     "Trees lie across the tracks in eleven places.", "A storm damaged the railway to {place}."),
    ("The company {last} is moving its factory to {place}", [["factory"], ["moving", "moves", "move", "relocating", "relocates", "relocate"]],
     "Land there costs half as much as at the old site.", "{last} moves its factory to {place}."),
    ("Doctors in {place} have opened a clinic for children", [["clinic"], ["children", "child", "pediatric", "paediatric", "kids"]],
     "Until now families had to drive for two hours.", "A children clinic opened in {place}."),
]

SIDE = ["The weather was mild for the time of year.", "A local choir will sing there next month.",
        "The street is known for its old lime trees.", "Parking is difficult on market days.",
        "Many residents remember the flood of 1998.", "The town hall was painted last spring."]


def fill(text, slots):
    for key, value in slots.items():
        text = text.replace("{" + key + "}", value)
    return text


def summarizing(grade, rng):
    items = []
    for i in range(PER_GRADE):
        what, groups, why, short = EVENTS[i % len(EVENTS)]
        place = CITIES[(i + 3 * (i // len(EVENTS))) % len(CITIES)]
        name, last = people(rng, 1)[0], rng.choice(LAST)
        slots = {"place": place, "name": name, "last": last}
        day, count = rng.choice(DAYS), rng.randint(11, 97)
        event, short = fill(what, slots), fill(short, slots)
        cost = f"The cost is put at {count} million euros."
        date = f"The news was announced on {day}."
        where = [place]
        if grade == 1:
            items.append(summary("Summarize in one sentence of at most 15 words.", f"{event}. {why}", groups, 15, short))
        elif grade == 2:
            items.append(summary("Summarize in at most 20 words. Say what happened and where.",
                                 f"{event}. {why} {rng.choice(SIDE)}", groups + [where], 20,
                                 short if place in short else f"{short[:-1]} in {place}."))
        elif grade == 3:
            told = short if place in short else f"{short[:-1]} in {place}."
            items.append(summary("Summarize in at most 20 words. Say what happened, where, and what it costs.",
                                 f"{date} {event}. {why} {cost} {rng.choice(SIDE)}",
                                 groups + [where, [str(count)]], 20, f"{told[:-1]}, for {count} million."))
        else:
            told = short if place in short else f"{short[:-1]} in {place}."
            other_day = rng.choice([d for d in DAYS if d != day])
            other_place = rng.choice([c for c in CITIES if c != place])
            side = rng.sample(SIDE, 2)
            text = (f"{side[0]} A rumour from {other_place} had named {other_day}, which was wrong. {date} {event}. {why} "
                    f"An earlier estimate was {count + 31} million euros. {cost} {side[1]}")
            items.append(summary("Summarize in at most 25 words. Say what happened, where, on which day it was announced, "
                                 "and the current cost. Leave out rumours and earlier figures.", text,
                                 groups + [where, [day], [str(count)]], 25,
                                 f"{told[:-1]}, for {count} million, as announced on {day}.",
                                 [other_place, other_day, str(count + 31)]))
    return items


def main():
    for make in (classification, extraction, arithmetic, recall, instructions, summarizing):
        task = make.__name__
        lines = []
        for grade in (1, 2, 3, 4):
            items = make(grade, random.Random(f"{task} {grade}"))
            assert len(items) == PER_GRADE, (task, grade, len(items))
            assert len({item["prompt"] for item in items}) == PER_GRADE, (task, grade, "a question is asked twice")
            for i, item in enumerate(items, 1):
                line = {"id": f"{task}-{grade}-{i:02}", "task": task, "grade": grade, **item}
                lines.append(json.dumps(line, ensure_ascii=False))
        (HERE / f"{task}.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
