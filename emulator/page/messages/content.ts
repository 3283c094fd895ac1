import type { Content, MediaContent } from '../../protocol/messages.ts';
import type { Attributes } from '../core/model.ts';
import { encodeBase64 } from '../storage/base64.ts';

const MEDIA_TYPES: ReadonlySet<string> = new Set(['image', 'video', 'audio', 'ptt', 'document', 'sticker']);

export function isMediaType(type: unknown): type is MediaContent['type'] {
  return typeof type === 'string' && MEDIA_TYPES.has(type);
}

/** What a message says, from the attributes the library gave its model. */
export function contentFromAttributes(attributes: Attributes): Content {
  const type = String(attributes['type']);
  if (isMediaType(type)) return mediaFromAttributes(type, attributes);
  switch (type) {
    case 'chat':
      return { type, body: text(attributes['body']) ?? '' };
    case 'location':
      return {
        type,
        latitude: Number(attributes['lat']),
        longitude: Number(attributes['lng']),
        ...optional('description', text(attributes['loc'])),
        ...optional('url', text(attributes['clientUrl'])),
      };
    case 'vcard':
      return {
        type,
        displayName: text(attributes['vcardFormattedName']) ?? '',
        vcard: text(attributes['body']) ?? '',
      };
    case 'multi_vcard':
      return {
        type,
        contacts: (attributes['vcardList'] as { displayName: string; vcard: string }[] | undefined) ?? [],
      };
    case 'poll_creation':
      return {
        type,
        name: text(attributes['pollName']) ?? '',
        options: ((attributes['pollOptions'] as { name: string }[] | undefined) ?? []).map(
          ({ name }) => name,
        ),
        selectableCount: Number(attributes['pollSelectableOptionsCount'] ?? 0),
      };
    default:
      return { type: 'other', kind: type, data: plain(attributes) };
  }
}

/** The attributes a message's model shows for what it says. */
export function contentAttributes(content: Content): Attributes {
  switch (content.type) {
    case 'chat':
      return { type: 'chat', body: content.body };
    case 'location':
      return {
        type: 'location',
        body: '',
        lat: content.latitude,
        lng: content.longitude,
        loc: content.description,
        clientUrl: content.url,
      };
    case 'vcard':
      return { type: 'vcard', body: content.vcard, vcardFormattedName: content.displayName };
    case 'multi_vcard':
      return { type: 'multi_vcard', body: '', vcardList: content.contacts };
    case 'poll_creation':
      return {
        type: 'poll_creation',
        body: '',
        kind: 'pollCreation',
        pollName: content.name,
        pollOptions: content.options.map((name, localId) => ({ name, localId })),
        pollSelectableOptionsCount: content.selectableCount,
      };
    case 'other':
      return { ...content.data, type: content.kind };
    case 'poll_vote':
    case 'reaction':
    case 'edit':
    case 'revoke':
      return { type: 'protocol', subtype: content.type };
    default:
      return mediaAttributes(content);
  }
}

/** The content after its text (a media message's caption) was edited. */
export function editContent(content: Content, body: string): Content {
  if (content.type === 'chat') return { ...content, body };
  return isMediaType(content.type) ? { ...(content as MediaContent), caption: body } : content;
}

function mediaFromAttributes(type: MediaContent['type'], attributes: Attributes): MediaContent {
  const mediaKey = attributes['mediaKey'];
  return {
    type,
    mimetype: text(attributes['mimetype']) ?? 'application/octet-stream',
    directPath: text(attributes['directPath']) ?? '',
    mediaKey: mediaKey instanceof Uint8Array ? encodeBase64(mediaKey) : (text(mediaKey) ?? ''),
    filehash: text(attributes['filehash']) ?? '',
    size: Number(attributes['size'] ?? 0),
    ...optional('caption', text(attributes['caption'])),
    ...optional('filename', text(attributes['filename'])),
    ...optional('duration', number(attributes['duration'])),
    ...optional('width', number(attributes['width'])),
    ...optional('height', number(attributes['height'])),
  };
}

function mediaAttributes(content: MediaContent): Attributes {
  const { duration, ...rest } = content;
  return {
    ...rest,
    body: '',
    deprecatedMms3Url: `https://web.whatsapp.com${content.directPath}`,
    // WhatsApp Web has it as text.
    ...optional('duration', duration === undefined ? undefined : String(duration)),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  const parsed = Number(value);
  return value === undefined || value === null || value === '' || !Number.isFinite(parsed)
    ? undefined
    : parsed;
}

function optional<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: V };
}

/** Only what JSON can carry, and none of what every message has. */
function plain(attributes: Attributes): Attributes {
  const {
    id: _id,
    from: _from,
    to: _to,
    t: _t,
    ack: _ack,
    self: _self,
    isNewMsg: _new,
    local: _local,
    ...rest
  } = attributes;
  return JSON.parse(JSON.stringify(rest)) as Attributes;
}
