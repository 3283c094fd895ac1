/** A blob with a mimetype of its own and a URL that is revoked when it is let go, as WhatsApp Web wraps files. */
export class OpaqueData {
  readonly filename: string | undefined;
  readonly #blob: Blob;
  #url: string | undefined;

  constructor(blob: Blob, filename?: string) {
    this.#blob = blob;
    this.filename = filename;
  }

  static async createFromData(data: Blob | ArrayBuffer, mimetype: string): Promise<OpaqueData> {
    const name = data instanceof File && data.name !== 'undefined' ? data.name : undefined;
    return new OpaqueData(new Blob([data], { type: mimetype }), name);
  }

  type(): string {
    return this.#blob.type;
  }

  size(): number {
    return this.#blob.size;
  }

  forceToBlob(): Blob {
    return this.#blob;
  }

  formData(): Blob {
    return this.#blob;
  }

  url(): string {
    this.#url ??= URL.createObjectURL(this.#blob);
    return this.#url;
  }

  /** The URL has been shown: nothing here needs it any longer. */
  autorelease(): void {
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = undefined;
  }
}
