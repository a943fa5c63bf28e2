"""What every engine's program in this folder shares: the prompt, memory, the shape of the answer."""

import json
import time


def flags(parser):
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--batch", type=int, default=1)
    return parser


def prompt(tokens, vocabulary, sequence=0):
    """Token ids of one prompt: spread over the vocabulary, another row for each sequence."""
    return [(7919 * (i + 1) + 104729 * sequence) % vocabulary for i in range(tokens)]


def memory(field):
    """A field of /proc/self/status in bytes: VmRSS is what is resident now, VmHWM the most there ever was."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    raise KeyError(field)


def clock_ms():
    return time.perf_counter() * 1e3


def report(**figures):
    print(json.dumps(figures))
