import { describe, expect, test } from 'vitest';
import { SseParser, type SseEvent } from '@/api/sse';

const bytes = new TextEncoder();

function parse(pieces: Uint8Array[]): SseEvent[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

// Every rule of the specification in one stream: all three line ends, comments, events, several data lines, no space
// after the colon, fields without a value, characters of two to four bytes.
const stream =
  ': hello\n\n' +
  'data: first\n\n' +
  'data:zweite Zeile: ä €\r\ndata:  🚀\r\n\r\n' +
  'event: note\rdata\rdata: x\r\r' +
  'id: 7\nretry: 10\n\n' +
  'data: [DONE]\n\n' +
  'data: never ended\n';

const events: SseEvent[] = [
  { event: 'message', data: 'first' },
  { event: 'message', data: 'zweite Zeile: ä €\n 🚀' },
  { event: 'note', data: '\nx' },
  { event: 'message', data: '[DONE]' },
];

describe('server-sent events', () => {
  test('are the same wherever the stream is cut in two', () => {
    const whole = bytes.encode(stream);
    for (let at = 0; at <= whole.length; ++at) {
      expect(parse([whole.subarray(0, at), whole.subarray(at)]), `cut at byte ${at}`).toEqual(events);
    }
  });

  test('are the same when the stream comes byte by byte', () => {
    expect(parse([...bytes.encode(stream)].map((byte) => Uint8Array.of(byte)))).toEqual(events);
  });

  test('may begin with a byte order mark', () => {
    expect(parse([Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf), bytes.encode('data: x\n\n')])).toEqual([
      { event: 'message', data: 'x' },
    ]);
  });

  test('come out as soon as their last byte is there', () => {
    const parser = new SseParser();
    expect(parser.push(bytes.encode('data: now\n'))).toEqual([]);
    expect(parser.push(bytes.encode('\n'))).toHaveLength(1);
    expect(parser.push(bytes.encode('data: and now\r\n\r'))).toHaveLength(1);
    expect(parser.push(bytes.encode('\ndata: then\n\n'))).toEqual([{ event: 'message', data: 'then' }]);
  });
});
