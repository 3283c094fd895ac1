/** What decides a browser's flags. */
export interface FlagOptions {
  /** False where the host allows no sandbox; a warning says so at the instance's start. */
  sandbox: boolean;
  /** `host:port` that stands in for web.whatsapp.com, or null. */
  webResolve: string | null;
  /** SHA-256, base64, of the stand-in's public key; null to trust only real authorities. */
  webSpki: string | null;
  proxy: string | null;
}

/**
 * Features of Chromium that a page talking to one site does not use; each costs memory or wakes the CPU.
 * Measured by `npm run bench:session`.
 */
const DISABLED_FEATURES = [
  'AudioServiceOutOfProcess',
  'AutofillServerCommunication',
  'BackForwardCache',
  'CalculateNativeWinOcclusion',
  'InterestFeedContentSuggestions',
  'IsolateOrigins',
  'MediaRouter',
  'OptimizationHints',
  'site-per-process',
  'SpareRendererForSitePerProcess',
  'Translate',
];

/**
 * Flags of a session's browser, beside those that puppeteer gives. Which, and what each is worth: `docs/decisions/0005-browser-flags.md`.
 */
export function chromiumFlags(options: FlagOptions): string[] {
  const flags = [
    '--disable-gpu',
    '--disable-software-rasterizer',
    '--in-process-gpu',
    '--disable-extensions',
    '--disable-site-isolation-trials',
    '--renderer-process-limit=1',
    // Nobody looks: a small window and no threads of its own for painting.
    '--window-size=400,300',
    '--disable-threaded-compositing',
    '--disable-threaded-animation',
    '--disable-threaded-scrolling',
    // With hundreds of browsers on a few cores, a compiler thread in each gains nothing.
    '--js-flags=--no-concurrent-recompilation',
    '--disable-speech-api',
    '--disable-notifications',
    '--disable-component-update',
    '--disable-domain-reliability',
    '--no-default-browser-check',
    '--no-pings',
    '--disk-cache-size=8388608',
    '--media-cache-size=1048576',
    `--disable-features=${DISABLED_FEATURES.join(',')}`,
    '--enable-features=NetworkServiceInProcess2',
  ];
  if (!options.sandbox) flags.push('--no-sandbox', '--no-zygote');
  if (options.webResolve !== null) {
    const address = options.webResolve.replace(/:\d+$/, '');
    flags.push(
      `--host-resolver-rules=MAP web.whatsapp.com:443 ${options.webResolve}, MAP * ~NOTFOUND, EXCLUDE ${address}`,
    );
  }
  if (options.webSpki !== null) flags.push(`--ignore-certificate-errors-spki-list=${options.webSpki}`);
  if (options.proxy !== null) flags.push(`--proxy-server=${withoutCredentials(options.proxy)}`);
  return flags;
}

function withoutCredentials(proxy: string): string {
  return proxy.replace(/\/\/[^@/]*@/, '//');
}

/** The user and password of a proxy's address; the browser takes them apart from it. */
export function proxyCredentials(proxy: string | null): { username: string; password: string } | undefined {
  const match = proxy === null ? null : /\/\/([^:@/]*):?([^@/]*)@/.exec(proxy);
  if (!match) return undefined;
  return { username: decodeURIComponent(match[1] ?? ''), password: decodeURIComponent(match[2] ?? '') };
}
