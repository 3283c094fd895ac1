import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../common/faults.ts';
import { outgoingMessageBodySchema, recipientSchema } from '../../fleet/messages.ts';

const faults = (body: unknown) => {
  const parsed = outgoingMessageBodySchema.safeParse(body);
  return parsed.success ? [] : faultsOf(parsed.error).map((fault) => fault.path);
};
const to = '491701234567';

describe('a recipient', () => {
  it.each([
    ['491701234567', '491701234567@c.us'],
    ['+491701234567', '491701234567@c.us'],
    ['491701234567@c.us', '491701234567@c.us'],
    ['123456789@lid', '123456789@lid'],
    ['1203630-1234@g.us', '1203630-1234@g.us'],
  ])('of %s is %s', (given, id) => {
    expect(recipientSchema.parse(given)).toBe(id);
  });

  it.each([
    '',
    '12',
    '0'.repeat(16),
    'status@broadcast',
    'a@c.us',
    '491701234567@c.us ',
    '٤٩١٧٠١٢٣٤',
    491701234567,
  ])('is not %j', (given) => {
    expect(recipientSchema.safeParse(given).success).toBe(false);
  });
});

describe('a message', () => {
  it.each([
    { to, text: 'a' },
    { to, text: 'x'.repeat(65_536), reply_to: 'true_491701234567@c.us_3EB0' },
    { to, media: { url: 'https://example.com/a.png' }, caption: 'b' },
    { to, media: { data: 'YQ==', mimetype: 'audio/ogg; codecs=opus' }, voice: true },
    { to, location: { latitude: -90, longitude: 180, name: 'pole' } },
    { to, contact: { name: 'A', phone_number: '+491701234567' } },
    { to, poll: { question: 'q', options: ['a', 'b'], multiple: true } },
  ])('may be %.80j', (body) => {
    expect(faults(body)).toEqual([]);
  });

  it.each([
    [{}, ['(body)']],
    [null, ['(body)']],
    [[], ['(body)']],
    ['text', ['(body)']],
    [{ to }, ['(body)']],
    [{ to, text: 'a', media: {} }, ['(body)']],
    [{ text: 'a' }, ['to']],
    [{ to, text: 7 }, ['text']],
    [{ to, text: '' }, ['text']],
    [{ to, text: 'x'.repeat(65_537) }, ['text']],
    [{ to, text: 'a', extra: 1 }, ['(body)']],
    [{ to, text: 'a', reply_to: 'x' }, ['reply_to']],
    [{ to, location: { latitude: 91, longitude: -181 } }, ['location.latitude', 'location.longitude']],
    [{ to, location: { latitude: '1', longitude: 1 } }, ['location.latitude']],
    [{ to, poll: { question: '', options: ['a'] } }, ['poll.question', 'poll.options']],
    [{ to, contact: { name: '', phone_number: 'x' } }, ['contact.name', 'contact.phone_number']],
  ])('may not be %.80j', (body, paths) => {
    expect(faults(body)).toEqual(paths);
  });

  it.each([
    { url: 'ftp://example.com/a' },
    { url: 'javascript:alert(1)' },
    { url: 'file:///etc/passwd' },
    { url: '/relative' },
    { url: `https://example.com/${'x'.repeat(2000)}` },
    { data: 'not base64!', mimetype: 'image/png' },
    { data: 'YQ==' },
    { data: 'YQ==', mimetype: 'png' },
    { data: 'YQ==', mimetype: 'image/png', filename: '../../etc/passwd' },
    { data: 'YQ==', mimetype: 'image/png', filename: 'a\0b' },
    { url: 'https://example.com/a', data: 'YQ==', mimetype: 'image/png' },
    {},
  ])('may have no media like %.60j', (media) => {
    expect(faults({ to, media })).not.toEqual([]);
  });

  it.each([
    [{ to, media: { data: 'YQ==' } }, 'must be {media_id}, {url} or {data, mimetype}'],
    [{ to, media: { data: '?', mimetype: 'image/png' } }, 'must be base64'],
    [{ to, text: 'a', media: { url: 'https://example.com/a' } }, 'the text of media is its "caption"'],
  ])('says of %.60j what it should be', (body, message) => {
    const { error } = outgoingMessageBodySchema.safeParse(body);
    expect(error && faultsOf(error)).toMatchObject([{ message: expect.stringContaining(message) }]);
  });

  it('is told to be wrong, never thrown over, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.constantFrom('text', 'media', 'location', 'contact', 'poll'),
        (value, kind) => {
          expect(() => outgoingMessageBodySchema.safeParse(value)).not.toThrow();
          expect(() => outgoingMessageBodySchema.safeParse({ to, [kind]: value })).not.toThrow();
        },
      ),
    );
  });
});
