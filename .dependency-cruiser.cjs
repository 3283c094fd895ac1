/**
 * Who may import whom (see CONTRIBUTING.md); judged by scripts/checks/imports.mjs. Type-only imports count: a type is a dependency of a
 * reader too.
 */

const services = 'instance|router|backup|emulator';
const all = `common|fleet|${services}|cli`;

/** The one file, or the few, that may import a vendor's package; tests may too. */
const vendorHome = (name, packages, home, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: `^(${all})/`, pathNot: home },
  to: { path: `(^|/)node_modules/(${packages})(/|$)` },
});

module.exports = {
  forbidden: [
    {
      name: 'common-stands-alone',
      severity: 'error',
      comment: 'common/ is plumbing with nothing of the domain in it: it imports no sibling folder.',
      from: { path: '^common/' },
      to: { path: `^(fleet|${services}|cli)/` },
    },
    {
      name: 'fleet-only-common',
      severity: 'error',
      comment: 'fleet/ is what all processes agree on: of the siblings it imports only common/.',
      from: { path: '^fleet/' },
      to: { path: `^(${services}|cli)/` },
    },
    {
      name: 'services-apart',
      severity: 'error',
      comment:
        'Services share common/ and fleet/, and never import each other: they talk over HTTP, Redis and files.',
      from: { path: `^(${services})/` },
      to: { path: `^(${services})/`, pathNot: '^$1/' },
    },
    {
      name: 'nothing-imports-cli',
      severity: 'error',
      comment: 'cli/ stands on top.',
      from: { path: `^(common|fleet|${services})/` },
      to: { path: '^cli/' },
    },
    {
      name: 'cli-only-config-and-clients',
      severity: 'error',
      comment:
        'Of a service, cli/ may import its config and its client, and nothing of its inside; but doctor looks for Chromium as an instance does, and tries the store of the backups out as their service does.',
      from: { path: '^cli/' },
      to: {
        path: `^(${services})/`,
        pathNot:
          '(^|/)(config|client|[a-z-]+-client)\\.ts$|^instance/whatsapp/chromium\\.ts$|^backup/store/(open-store|try-out)\\.ts$',
      },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      comment: 'What runs in production does not hang on test code.',
      from: { path: `^(${all})/` },
      to: { path: '^test/' },
    },
    {
      name: 'infra-apart',
      severity: 'error',
      comment: 'What dashboards are made with describes the fleet from outside, and no process needs it.',
      from: { path: `^(${all})/` },
      to: { path: '^infra/' },
    },
    {
      name: 'infra-alone',
      severity: 'error',
      comment: 'Dashboards know the names of metrics, and nothing of what makes them.',
      from: { path: '^infra/' },
      to: { path: `^(${all}|test)/` },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Cycles hide what depends on what.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-barrels',
      severity: 'error',
      comment: 'Import a thing from the file that makes it: re-exports of our own files hide cycles.',
      from: { path: `^(${all}|test)/` },
      to: { path: `^(${all}|test)/`, dependencyTypes: ['export'] },
    },
    {
      name: 'main-is-the-top',
      severity: 'error',
      comment: 'main.ts starts a process; nothing imports it.',
      from: {},
      to: { path: '(^|/)main\\.tsx?$', pathNot: '(^|/)node_modules/' },
    },
    {
      name: 'main-only-context',
      severity: 'error',
      comment: 'main.ts leaves the making of parts to context.ts.',
      from: { path: `^(${services})/main\\.ts$` },
      to: { path: '^$1/', pathNot: '^$1/(context|config)\\.ts$' },
    },
    {
      name: 'context-only-from-main',
      severity: 'error',
      comment:
        'context.ts is the only place that makes concrete parts; whoever needs one gets it as an argument.',
      from: { path: `^(${services})/`, pathNot: `^(${services})/main\\.ts$` },
      to: { path: '^$1/context\\.ts$' },
    },
    {
      name: 'domain-not-http',
      severity: 'error',
      comment: 'http/ calls the domain, never the other way round.',
      from: { path: `^(${services})/`, pathNot: `^(${services})/(http/|(context|main)\\.ts$)` },
      to: { path: '^$1/http/' },
    },
    {
      name: 'browser-code-apart',
      severity: 'error',
      comment: 'What runs in a browser is bundled; the processes do not import it.',
      from: { path: `^(${all})/`, pathNot: '^(emulator/page|router/web)/' },
      to: { path: '^(emulator/page|router/web)/' },
    },
    {
      name: 'page-only-protocol',
      severity: 'error',
      comment: "The emulated page shares only the protocol's types with its server.",
      from: { path: '^emulator/page/' },
      to: { path: `^(${all})/`, pathNot: '^emulator/(page|protocol)/' },
    },
    {
      name: 'protocol-alone',
      severity: 'error',
      comment: "The emulator's protocol is compiled into the page too, and brings nothing else along.",
      from: { path: '^emulator/protocol/' },
      to: { path: `^(${all})/`, pathNot: '^emulator/protocol/' },
    },
    {
      name: 'web-only-records',
      severity: 'error',
      comment: "The web page shares at most the fleet's records with the processes.",
      from: { path: '^router/web/' },
      to: { path: `^(${all})/`, pathNot: '^(router/web|fleet)/' },
    },
    {
      name: 'browser-without-node',
      severity: 'error',
      comment: 'What runs in a browser has nothing of Node.',
      from: { path: '^(emulator/page|router/web)/' },
      to: { dependencyTypes: ['core'] },
    },
    vendorHome(
      'whatsapp-web-js-at-home',
      'whatsapp-web\\.js',
      '^instance/whatsapp/whatsapp-web-js\\.ts$',
      'One file knows the library and its quirks.',
    ),
    vendorHome(
      'puppeteer-at-home',
      'puppeteer|puppeteer-core',
      '^instance/whatsapp/puppeteer\\.ts$',
      'One file knows the browser driver.',
    ),
    vendorHome(
      'ioredis-at-home',
      'ioredis',
      '^(common/redis|fleet/(queue/|events/)?redis-[a-z-]+)\\.ts$',
      'Redis is reached through common/redis.ts and the redis-* files of fleet/.',
    ),
    vendorHome(
      'bullmq-at-home',
      'bullmq',
      '^fleet/queue/bullmq-[a-z-]+\\.ts$',
      'The queues hide what carries them.',
    ),
    vendorHome(
      'standard-webhooks-at-home',
      'standardwebhooks',
      '^router/webhooks/signature\\.ts$',
      'One file signs.',
    ),
    vendorHome(
      'aws-at-home',
      '@aws-sdk|@smithy',
      '^(backup/store/|fleet/(media/)?s3-[a-z-]+\\.ts$)',
      'The object store hides whose it is.',
    ),
    vendorHome(
      'tar-at-home',
      'tar',
      '^(fleet/backup/archive[a-z-]*\\.ts$|backup/archive/)',
      'What an archive looks like inside is known where it is packed and where it is read.',
    ),
    {
      name: 'no-development-packages',
      severity: 'error',
      comment: 'What runs in production is installed without devDependencies.',
      from: { path: `^(${all})/` },
      to: { dependencyTypes: ['npm-dev'], pathNot: '(^|/)node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      // node_modules may be a link, and is to be known by its own name.
      symlinks: false,
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
