/** The emulator's phones, by its control API. */
export class Phones {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Scans a QR with a phone. */
  async scan(qr: string, phone: string): Promise<void> {
    await this.post('/scan', { qr, phone, name: `Phone ${phone}` });
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }
}

/** The number of the nth phone. */
export function phoneNumber(index: number): string {
  return `49170${String(index).padStart(7, '0')}`;
}
