"""The official Python client, unchanged, against a running server: the address is the only argument.

Prints GoogleTest's lines, which ./test counts."""

import json
import sys
import time
import traceback
from typing import Literal

import openai
from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=sys.argv[1] + "/v1", api_key="secret-of-the-tests", max_retries=0, timeout=60)
question = [{"role": "user", "content": "What is a KV cache?"}]


def models_are_listed():
    assert [model.id for model in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").object == "model"


def an_answer_comes_whole():
    answer = client.chat.completions.create(model="demo", messages=question, max_tokens=16, seed=1)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.completion_tokens <= 16
    assert answer.timings["ttft_ms"] > 0  # an addition; the client hands it through


def a_stream_is_the_whole_answer_in_pieces():
    options = dict(model="demo", messages=question, max_tokens=24, seed=3, temperature=0.8)
    whole = client.chat.completions.create(**options)
    text, usage, finish = "", None, None
    for chunk in client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
            finish = chunk.choices[0].finish_reason or finish
        usage = chunk.usage or usage
    assert text == whole.choices[0].message.content
    assert finish == whole.choices[0].finish_reason
    assert usage.total_tokens == whole.usage.total_tokens


def a_stream_can_be_left():
    before = time.monotonic()
    stream = client.chat.completions.create(
        model="demo", messages=question, max_tokens=400, stream=True, extra_body={"ignore_eos": True})
    next(iter(stream))
    stream.close()
    assert time.monotonic() - before < 20
    an_answer_comes_whole()


def logprobs_have_their_bytes():
    answer = client.chat.completions.create(
        model="demo", messages=question, max_tokens=8, temperature=0, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    assert len(tokens[0].top_logprobs) == 2
    assert b"".join(bytes(t.bytes) for t in tokens).decode() == answer.choices[0].message.content


def n_stop_penalties_and_bias_are_taken():
    answer = client.chat.completions.create(
        model="demo", messages=question, n=3, max_tokens=12, stop=["\n"], seed=1, temperature=1.1, top_p=0.9,
        presence_penalty=0.5, frequency_penalty=0.5, logit_bias={"5": -100}, user="tester")
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


class Pet(BaseModel):
    kind: Literal["cat", "dog", "snake"]
    legs: Literal[0, 4]
    tame: bool


def a_parsed_answer_is_an_object_of_its_class():
    messages = [{"role": "user", "content": "Invent a pet."}]
    for seed in range(3):
        answer = client.chat.completions.parse(
            model="demo", messages=messages, response_format=Pet, max_tokens=300, seed=seed)
        assert isinstance(answer.choices[0].message.parsed, Pet)


def a_json_object_is_one():
    # The demo was not trained on JSON and would write an endless name: quotes and braces are made likelier.
    ends = client.post("../tokenize", body={"model": "demo", "content": '"}'}, cast_to=object)["tokens"]
    for seed in range(6):
        answer = client.chat.completions.create(
            model="demo", messages=question, response_format={"type": "json_object"}, max_tokens=400, seed=seed,
            logit_bias={str(token): 8 for token in ends})
        if answer.choices[0].finish_reason == "stop":
            assert isinstance(json.loads(answer.choices[0].message.content), dict)
            return
    raise AssertionError("no answer ended within its tokens")


def completions_continue_a_text():
    answer = client.completions.create(model="demo", prompt="A KV cache", max_tokens=5, temperature=0, logprobs=1)
    assert len(answer.choices[0].logprobs.tokens) <= 5
    streamed = client.completions.create(model="demo", prompt="A KV cache", max_tokens=5, temperature=0, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == answer.choices[0].text


def embeddings_are_vectors():
    result = client.embeddings.create(model="demo", input=["cache", "attention"])  # base64, which it decodes
    assert len(result.data) == 2
    assert abs(sum(x * x for x in result.data[0].embedding) - 1) < 1e-3


def errors_are_the_clients_own():
    for error, call in [
        (openai.NotFoundError, lambda: client.models.retrieve("none")),
        (openai.NotFoundError, lambda: client.chat.completions.create(model="none", messages=question)),
        (openai.BadRequestError, lambda: client.chat.completions.create(model="demo", messages=[])),
        (openai.BadRequestError, lambda: client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}])),
        (openai.AuthenticationError, lambda: OpenAI(
            base_url=client.base_url, api_key="wrong", max_retries=0).models.list()),
    ]:
        try:
            call()
        except error as caught:
            assert caught.body["message"]
        else:
            raise AssertionError(f"no {error.__name__}")


failed = 0
for test in [models_are_listed, an_answer_comes_whole, a_stream_is_the_whole_answer_in_pieces, a_stream_can_be_left,
             logprobs_have_their_bytes, n_stop_penalties_and_bias_are_taken,
             a_parsed_answer_is_an_object_of_its_class, a_json_object_is_one, completions_continue_a_text,
             embeddings_are_vectors, errors_are_the_clients_own]:
    start = time.monotonic()
    try:
        test()
        outcome = "[       OK ]"
    except Exception:
        traceback.print_exc(file=sys.stdout)
        outcome, failed = "[  FAILED  ]", failed + 1
    print(f"{outcome} OpenAIPython.{test.__name__} ({(time.monotonic() - start) * 1e3:.0f} ms)", flush=True)
sys.exit(1 if failed else 0)
