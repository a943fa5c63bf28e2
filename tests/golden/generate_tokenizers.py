"""Trains tiny tokenizers of every kind and writes what Hugging Face's `tokenizers` makes of awkward texts.

Development only. Run from the repository's root:
    python tests/golden/generate_tokenizers.py
Writes src/text/tests/golden/NAME.tokenizer.json, NAME.config.json (where a kind needs one) and NAME.cases.json, a list
of {text, ids, plain_ids}: with special tokens around and parsed, and without either.
Made with tokenizers 0.23, sentencepiece 0.2, transformers 5.23.
"""

import io
import json
import pathlib

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = pathlib.Path("src/text/tests/golden")

CORPUS = """
The cat sat on the mat. The dog didn't sit; it ran, and they're running still. We've seen 1234 cats, I'm told, in 2024.
A language model predicts the next token. Tokens are pieces of words: token, tokens, tokenizer, tokenization.
Speed is measured, not claimed: 3.14 ms, 100 tok/s, 50% less. He said: "It's the cache that I'd keep; you'll see."
int main(int argc, char** argv) { for (int i = 0; i < argc; ++i) { printf("%s\\n", argv[i]); } return 0; }
Größe, naïve, café, façade, Übermaß, señor. Привет, мир! Это кошка. 你好，世界。今天天气很好。日本語のテキストです。
안녕하세요 세계. مرحبا بالعالم. नमस्ते दुनिया. 🙂 👍 🚀🚀
""".strip().splitlines() * 4

TEXTS = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", " \n", "\n ", " \n \n  x", "a", " a", "a ", "  a  ", "Hello world",
    " Hello world", "Hello  world", "Hello   world\n\n\n  and more \t tabs\t\there", "The cat's hat isn't theirs; WE'LL SEE, I'M SURE. it'S",
    "he said 'tis 'twas 's 'S 'ſ 'll 'LL 'x", "1 12 123 1234 12345 3.14159 1,000,000 0x1F 2²³ ½ ⅷ १२३ 一二三", "a1b22c333d4444",
    "foo_bar->baz(qux[0]) != {x: 1}; // ¿? «quoted» — “dashes” … §4", "don't can't won't they're we've I'd",
    "naïve café café Ångström Å Å ﬁ Ⅷ ㎏ ｆｕｌｌ Ǆ İstanbul ß ẞ", "é́̂ a̧̐ क्षि ก็", "你好，世界！今天天气很好。", "日本語のテキスト。カタカナ ひらがな",
    "안녕하세요 세계 한국어", "مرحبا بالعالم", "Привет, МИР! Ёлка", "🙂👍🏽👨‍👩‍👧‍👦 🏳️‍🌈🇫🇷 ok🚀🚀", "zero​width joiner‌ nbsp thin ideographic　space\u0085nel\u2028ls\u180emvs",
    "control \x01\x02\x1b[0m \x7f \ufeffbom \ufffd", "▁ literal ▁▁marks▁here", "Ġ Ċ literal byte marks ġ", "<0x41> <0x0A> </s> <s> <unk> [CLS] [SEP]",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>", "x<|im_end|>y <|im_end|> z  <|im_end|>  ", "<mask> a <mask>b a  <mask>  b", "<strip>   right", "left   <strip>  <strip>",
    "word<single> <single> <single>word a<single>b .<single>.", "<user>token<user> <USER> user-token <tool_call>{}</tool_call>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    " " * 70 + "x", "x" + " " * 70, "\n" * 40, "-" * 90 + ">", "the " * 40, "tokenizationtokenizationtokenization", "ABCabcABCabc camelCaseWordsHTTPServer",
    "\U00010400\U0001d54f\U00020000\U0002a6d6\U000e0001", "¹²³¼½¾ º ª µ", "line one\r\nline two\rline three\n\rline four", "a\u0301\u0327 \u0627\u0654 \u1100\u1161\u11a8",
]

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
DEEPSEEK3 = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^""" + "\r\n" + r"""\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[""" + "\r\n" + r"""]*|\s*[""" + "\r\n" + r"""]+|\s+(?!\S)|\s+"""
GPT4O = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"

SPECIALS = [
    AddedToken("<|endoftext|>", special=True, normalized=False),
    AddedToken("<|im_start|>", special=True, normalized=False),
    AddedToken("<|im_end|>", special=True, normalized=False),
    AddedToken("<mask>", special=True, normalized=False, lstrip=True),
    AddedToken("<strip>", special=False, normalized=False, rstrip=True),
    AddedToken("<single>", special=False, normalized=False, single_word=True),
    AddedToken("<user>", special=False, normalized=False),
]


def byte_level(split, normalizer=None, ignore_merges=False, post=None, size=560):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens(SPECIALS)
    tokenizer.add_special_tokens([t for t in SPECIALS if t.special])
    if post:
        bos = tokenizer.token_to_id("<|endoftext|>")
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", bos)])])
    return tokenizer


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False)


def bytes_after(*steps):
    return pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def sentencepiece_model(kind, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, model_type=kind, character_coverage=0.98, minloglevel=2, **options)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(len(processor))]
    return processor, pieces


def merges_of(pieces):
    """All pairs of pieces that form a piece, in the order of its score, as transformers converts SentencePiece models."""
    vocab = {piece: i for i, (piece, _) in enumerate(pieces)}
    merges = []
    for piece, score in pieces:
        pairs = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += [(score, pair) for pair in sorted(pairs, key=lambda p: (vocab[p[0]], vocab[p[1]]))]
    return vocab, [pair for _, pair in sorted(merges, key=lambda m: -m[0])]


def llama2(style):
    _, pieces = sentencepiece_model("bpe", vocab_size=560, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True)
    vocab, merges = merges_of(pieces)
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if style == "llama2":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    elif style == "gemma":
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous", invert=False)
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in ("<unk>", "<s>", "</s>")])
    tokenizer.add_tokens(SPECIALS)
    tokenizer.add_special_tokens([t for t in SPECIALS if t.special])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return tokenizer


def unigram():
    _, pieces = sentencepiece_model("unigram", vocab_size=400, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False)
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")])
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.normalizer = normalizers.Precompiled(small_charsmap())
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in ("<pad>", "</s>", "<unk>")])
    tokenizer.add_tokens(SPECIALS)
    tokenizer.add_special_tokens([t for t in SPECIALS if t.special])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def small_charsmap():
    """The compiled form of a handful of normalization rules, so that the file stays small."""
    rules = {"ﬁ": "fi", "Ⅷ": "VIII", "㎏": "kg", "½": "1/2", "\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u212b": "\u00c5", "…": "..."}
    path = pathlib.Path("/tmp/rules.tsv")
    path.write_text("".join("%s\t%s\n" % (" ".join("%X" % ord(c) for c in k), " ".join("%X" % ord(c) for c in v)) for k, v in rules.items()))
    from sentencepiece import sentencepiece_model_pb2
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS), model_writer=model, model_type="unigram", vocab_size=400, hard_vocab_limit=False, normalization_rule_tsv=str(path), minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def write(name, tokenizer, config=None):
    (OUT / f"{name}.tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
    if config:
        (OUT / f"{name}.config.json").write_text(json.dumps(config, ensure_ascii=False) + "\n")
    parsed = [tokenizer.encode(text).ids for text in TEXTS]
    tokenizer.encode_special_tokens = True
    plain = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    cases = [{"text": t, "ids": i, "plain_ids": p} for t, i, p in zip(TEXTS, parsed, plain)]
    (OUT / f"{name}.cases.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(name, tokenizer.get_vocab_size(), (OUT / f"{name}.tokenizer.json").stat().st_size)


OUT.mkdir(parents=True, exist_ok=True)
GPT = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
CHAT = {"eos_token": {"content": "<|im_end|>", "special": True}, "chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "{{ messages[0].content }}"}]}
LLAMA = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False}
write("gpt2", byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)), GPT)
write("gpt2_prefix", byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)), GPT)
write("llama3", byte_level(bytes_after(split(LLAMA3)), ignore_merges=True, post=True), GPT)
write("qwen2", byte_level(bytes_after(split(QWEN2)), normalizer=normalizers.NFC()), CHAT)
write("starcoder", byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])), GPT)
write("deepseek3", byte_level(bytes_after(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK3))), GPT)
write("deepseek_coder", byte_level(bytes_after(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split("[一-龥ࠀ-一가-퟿]+"), pre_tokenizers.Digits(individual_digits=True))), GPT)
write("gpt4o", byte_level(bytes_after(split(GPT4O))), GPT)
write("llama2", llama2("llama2"), LLAMA)
write("gemma", llama2("gemma"), LLAMA)
write("metaspace_first", llama2("metaspace"), LLAMA)
write("unigram", unigram(), {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"})
write("wordpiece", wordpiece(), {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"})
