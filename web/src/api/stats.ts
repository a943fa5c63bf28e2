import { getJson } from './http';

export interface Percentiles {
  p50: number | null;
  p90: number | null;
  p99: number | null;
  count: number;
}

/** One second of the server's life; percentiles are of the last five. */
export interface Sample {
  time: number;
  queued: number;
  running: number;
  batch: number;
  prompt_tok_s: number;
  generated_tok_s: number;
  cache_hit_rate: number | null;
  ttft_p50_ms: number | null;
  ttft_p90_ms: number | null;
  ttft_p99_ms: number | null;
  inter_token_p50_ms: number | null;
  inter_token_p99_ms: number | null;
  rss_bytes: number;
}

/** What the server is doing: GET /stats, described in /openapi.json. */
export interface Stats {
  time: number;
  uptime_s: number;
  window_s: number;
  version: string;
  requests: { queued: number; running: number; completed: number; cancelled: number; failed: number; rejected: number };
  batch: { sequences: number; max_sequences: number; step_ms: Percentiles };
  prefix_cache: {
    hit_rate: number | null;
    cached_tokens: number;
    prompt_tokens: number;
    used_bytes: number;
    capacity_bytes: number;
    disk_bytes: number;
  };
  ttft_ms: Percentiles;
  inter_token_ms: Percentiles;
  queue_ms: Percentiles;
  tokens_s: { prompt: number; generated: number };
  tokens: { prompt: number; generated: number };
  memory: { rss_bytes: number; peak_rss_bytes: number; weights_bytes: number; kv_bytes: number };
  connections: number;
  history: Sample[];
}

export const fetchStats = (signal: AbortSignal): Promise<Stats> => getJson<Stats>('/stats', signal);
