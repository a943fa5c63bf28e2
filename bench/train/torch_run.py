"""One PyTorch training run, as its argument (JSON) says: prints tokens per second and the peak of resident memory."""

import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

SPEC = json.loads(sys.argv[1])
WIDTH, HEADS, KV = SPEC["width"], SPEC["heads"], SPEC["kv_heads"]
DIM = WIDTH // HEADS


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH, eps=1e-5), nn.RMSNorm(WIDTH, eps=1e-5)
        self.qkv = nn.Linear(WIDTH, (HEADS + 2 * KV) * DIM, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate_up = nn.Linear(WIDTH, 2 * SPEC["hidden"], bias=False)
        self.down = nn.Linear(SPEC["hidden"], WIDTH, bias=False)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, -1, DIM).transpose(1, 2).split((HEADS, KV, KV), dim=1)

        def rotate(y):
            first, second = y.chunk(2, dim=-1)
            return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(v.dtype)

        y = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True, enable_gqa=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, WIDTH))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(SPEC["vocab"], WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(SPEC["layers"]))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-5)
        angles = torch.outer(torch.arange(SPEC["sequence"]).float(), 10000.0 ** (-torch.arange(0, DIM, 2) / DIM))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids, targets):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = F.linear(self.norm(x), self.embed.weight)
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(SPEC["threads"])
    model = Llama()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    step_of = torch.compile(model) if SPEC["compiled"] else model
    now = time.process_time if SPEC["cpu"] else time.perf_counter
    rates = []
    for _ in range(SPEC["steps"]):
        ids = torch.randint(SPEC["vocab"], (SPEC["batch"], SPEC["sequence"] + 1))
        begin = now()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=SPEC["bf16"]):
            loss = step_of(ids[:, :-1], ids[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        rates.append(SPEC["batch"] * SPEC["sequence"] / (now() - begin))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"tok_s": statistics.median(rates[2:]), "bytes": peak}))


if __name__ == "__main__":
    main()
