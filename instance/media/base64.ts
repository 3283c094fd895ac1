/** Length of so many bytes in base64. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** A stream's bytes as base64: encoded as they come, so that they are held in memory once. */
export async function toBase64(source: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    // Three bytes are four characters: what is left of a chunk goes with the next.
    const whole = bytes.length - (bytes.length % 3);
    text += bytes.toString('base64', 0, whole);
    rest = bytes.subarray(whole);
  }
  return text + rest.toString('base64');
}
