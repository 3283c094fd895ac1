import { create } from 'qrcode';

/** Light modules around a QR (ISO/IEC 18004). */
const QUIET_ZONE = 4;

/** What a person sees. */
export interface View {
  readonly state: string;
  /** The text of the QR, while one is offered. */
  readonly qr?: string | undefined;
  /** The pairing code, while one is offered. */
  readonly code?: string | undefined;
  /** Whose device it is, once it is linked. */
  readonly linkedAs?: string | undefined;
}

/** Draws the page: a QR or a code while the device is not linked, else whose it is. */
export function render(root: HTMLElement, view: View): void {
  const status = element('p', `state ${view.state}`);
  status.setAttribute('role', 'status');
  const parts: Node[] = [element('h1', 'WhatsApp Web, emulated')];
  if (view.linkedAs !== undefined) parts.push(element('p', `Linked as ${view.linkedAs}`));
  else if (view.code !== undefined) parts.push(element('p', `Code ${view.code}`));
  else if (view.qr !== undefined) parts.push(drawQr(view.qr));
  root.replaceChildren(...parts, status);
}

function element(name: string, text: string): HTMLElement {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

/** One path of unit squares, a square for each dark module. */
function drawQr(text: string): SVGElement {
  const { modules } = create(text, { errorCorrectionLevel: 'L' });
  const size = modules.size + 2 * QUIET_ZONE;
  const squares: string[] = [];
  for (let row = 0; row < modules.size; row += 1) {
    for (let column = 0; column < modules.size; column += 1) {
      if (modules.get(row, column)) squares.push(`M${column + QUIET_ZONE} ${row + QUIET_ZONE}h1v1h-1z`);
    }
  }
  const svg = svgElement('svg', {
    viewBox: `0 0 ${size} ${size}`,
    role: 'img',
    'aria-label': 'QR code to scan',
  });
  svg.append(svgElement('rect', { width: String(size), height: String(size), fill: '#fff' }));
  svg.append(svgElement('path', { d: squares.join(''), fill: '#111' }));
  return svg;
}

function svgElement(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}
