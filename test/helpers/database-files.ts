import { appendRecords, maskedCrc, versionEdit } from '../fleet/profile/log-writer.ts';

const DATABASE = 'Default/IndexedDB/https_web.whatsapp.com_0.indexeddb.leveldb';

/** A LevelDB table as table_format.md describes it: data blocks, an empty block of metadata, an index, a footer. */
export function aTable(...blocks: Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const block = (content: Buffer): Buffer => {
    const typed = Buffer.concat([content, Buffer.from([0])]);
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(maskedCrc(typed));
    const handle = Buffer.concat([varint(at), varint(content.length)]);
    parts.push(typed, crc);
    at += content.length + 5;
    return handle;
  };
  const handles = blocks.map(block);
  const meta = block(Buffer.alloc(8));
  const index = block(Buffer.concat(handles));
  const footer = Buffer.alloc(48);
  Buffer.concat([meta, index]).copy(footer);
  footer.writeBigUInt64LE(0xdb4775248b80fb57n, 40);
  return Buffer.concat([...parts, footer]);
}

/** A whole database of a session with a table of this content, and a log with these records: files by their paths in the profile. */
export function aDatabase(content = 'a table', records: string[] = ['a record']): Record<string, Buffer> {
  const table = aTable(Buffer.from(content.repeat(2000)), Buffer.from('another block'));
  const edit = versionEdit({
    comparator: 'idb_cmp1',
    logNumber: 6,
    nextFile: 7,
    lastSequence: 9,
    added: [{ level: 0, number: 5, size: table.length }],
  });
  const log = (payloads: Uint8Array[]) => Buffer.from(appendRecords(new Uint8Array(), payloads).bytes);
  return {
    [`${DATABASE}/000005.ldb`]: table,
    [`${DATABASE}/000006.log`]: log(records.map((record) => Buffer.from(record))),
    [`${DATABASE}/CURRENT`]: Buffer.from('MANIFEST-000001\n'),
    [`${DATABASE}/MANIFEST-000001`]: log([edit]),
  };
}

/** The path of a file of {@link aDatabase}. */
export function inDatabase(name: string): string {
  return `${DATABASE}/${name}`;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
