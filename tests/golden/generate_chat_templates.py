"""Renders chat templates with Python's Jinja2, set up as transformers' apply_chat_template sets it up, and writes
tests/golden/chat_templates/{conversations,features}.json, which chat_template_test.cpp compares byte by byte.

Usage: python tests/golden/generate_chat_templates.py [folder of real templates]
"""

import datetime
import json
import pathlib
import sys

import jinja2
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).parent / "chat_templates"
SHARED = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[2] / ".." / "shared/data/chat_templates")
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


def render(source, context):
    """{"expected": text}, or {"error": true} for anything that raises."""
    try:
        template = chat_template_utils._compile_jinja_template(source)
        template.environment.globals["strftime_now"] = NOW.strftime
        template.globals["strftime_now"] = NOW.strftime
        out = template.render(**context)
        out.encode("utf-8")
        return {"expected": out}
    except Exception as error:  # noqa: BLE001 - whatever Python raises, the engine must refuse
        return {"error": True, "python": f"{type(error).__name__}: {error}"[:160]}


def call(name, arguments, call_id="abcdefghi"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the weather of a city <now> & \"later\"",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": " The city's name, e.g. Zürich "},
                    "days": {"type": "integer", "description": "How many days"},
                    "units": {"type": ["string", "null"], "description": "celsius or fahrenheit"},
                    "tags": {"type": "array", "items": {"type": "string"}, "description": "Free tags"},
                },
                "required": ["city"],
            },
            "return": {"type": "string", "description": "A report"},
        },
    },
    {
        "type": "function",
        "function": {"name": "noop", "description": "Does nothing", "parameters": {"type": "object", "properties": {}}},
    },
]

USER = {"role": "user", "content": "How fast is a KV cache?"}
ASSISTANT = {"role": "assistant", "content": "It depends on the memory bandwidth."}
SYSTEM = {"role": "system", "content": "  You answer briefly.\n"}
CALL = {"role": "assistant", "content": "", "tool_calls": [call("get_weather", {"city": "Zürich", "days": 2})]}
RESULT = {"role": "tool", "name": "get_weather", "content": "{\"temp\": 21.5}", "tool_call_id": "abcdefghi"}

CONVERSATIONS = {
    "one user message": [USER],
    "system and user": [SYSTEM, USER],
    "several turns": [SYSTEM, USER, ASSISTANT, {"role": "user", "content": "And on a phone?"}],
    "several turns without system": [USER, ASSISTANT, {"role": "user", "content": "Why?"}, ASSISTANT],
    "unicode": [{"role": "user", "content": "  \u00e9\u4f60\u597d \U0001f680 na\u00efve \u2028 \u0416\n\t"}],
    "empty content": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}, USER],
    "tool call and result": [USER, CALL, RESULT],
    "tool call, result and answer": [SYSTEM, USER, CALL, RESULT, ASSISTANT, USER],
    "two results in a row": [
        USER,
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call("get_weather", {"city": "A"}), call("noop", {})]},
        RESULT,
        {**RESULT, "content": "nothing"},
        ASSISTANT,
    ],
    "tool call with a malformed id": [USER, {**CALL, "tool_calls": [call("noop", {}, "x")]}, RESULT],
    "tool call with text arguments": [USER, {**CALL, "tool_calls": [call("noop", "{\"a\": 1}")]}],
    "two user messages in a row": [USER, USER],
    "starts with the assistant": [ASSISTANT, USER],
    "unknown role": [USER, {"role": "critic", "content": "No."}],
    "system in the middle": [USER, SYSTEM, ASSISTANT],
    "content in parts": [{"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "image"}]}],
    "content is null": [USER, {"role": "assistant", "content": None}, USER],
    "markup and templates in the text": [{"role": "user", "content": "{{ x }} {% if %} <b>&amp;</b> 'q' \"d\" \\n"}],
    "windows line ends": [{"role": "user", "content": "a\r\nb\rc\n"}],
    "no messages": [],
}


def conversation_cases():
    sources = {f"own/{path.name}": path.read_text() for path in sorted((HERE / "own").glob("*.jinja"))}
    sources |= {f"shared/{path.name}": path.read_bytes().decode() for path in sorted(SHARED.glob("*.jinja"))}
    variants = [
        {"add_generation_prompt": True},
        {"add_generation_prompt": False, "tools": TOOLS},
        {"add_generation_prompt": True, "tools": None, "date_string": "01 Feb 2026"},
        {"add_generation_prompt": True, "tools": TOOLS, "tools_in_user_message": False,
         "builtin_tools": ["code_interpreter", "get_weather"]},
    ]
    cases = []
    for name, source in sources.items():
        for title in CONVERSATIONS:
            for number, variant in enumerate(variants):
                context = {"messages": CONVERSATIONS[title], "bos_token": "<s>", "eos_token": "</s>", **variant}
                cases.append({"template": name, "conversation": title, "variant": number} | render(source, context))
    return {"conversations": CONVERSATIONS, "variants": variants, "cases": cases}


FEATURE_CONTEXT = {
    "name": "Ada",
    "text": "  Hello, World  ",
    "uni": "Zürich 你好 🚀",
    "n": 7,
    "f": 2.5,
    "yes": True,
    "no": False,
    "nil": None,
    "empty": "",
    "xs": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple"],
    "d": {"b": 1, "a": [1, 2.0, None, True], "items": "shadowed", "é": "ü\n\"q\""},
    "users": [
        {"name": "Ann", "age": 31, "role": "admin", "tags": ["x"], "addr": {"city": "Bern"}},
        {"name": "bob", "age": 25, "role": "user", "tags": [], "addr": {"city": "bern"}},
        {"name": "Cy", "age": 31, "role": "user", "addr": {"city": "Basel"}},
    ],
    "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}],
    "lines": "one\ntwo\n\nthree",
    "quote": "it's \"x\"",
}


def main():
    HERE.mkdir(exist_ok=True)
    features = [line for line in (HERE / "features.txt").read_bytes().decode().split("\n%%\n") if line]
    cases = [{"source": source} | render(source, FEATURE_CONTEXT) for source in features]
    dump = {"conversations.json": conversation_cases(), "features.json": {"context": FEATURE_CONTEXT, "cases": cases}}
    for name, document in dump.items():
        (HERE / name).write_text(json.dumps(document, ensure_ascii=False, indent=0) + "\n")
        done = document["cases"]
        print(f"{name}: {len(done)} cases, {sum('error' in case for case in done)} of them errors")


if __name__ == "__main__":
    print("jinja2", jinja2.__version__)
    main()
