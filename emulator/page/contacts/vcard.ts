/** A contact card as WhatsApp writes them (RFC 2426, with WhatsApp's id of the number). */
export function vcardOf(name: string, phone: string): string {
  return [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:;${name};;;`,
    `FN:${name}`,
    `TEL;type=CELL;waid=${phone}:+${phone}`,
    'END:VCARD',
  ].join('\n');
}

/** The formatted name (FN) of a contact card, empty where it has none. */
export function nameOfVcard(vcard: string): string {
  return /^FN[^:\n]*:(.*)$/m.exec(vcard)?.[1]?.trim() ?? '';
}
