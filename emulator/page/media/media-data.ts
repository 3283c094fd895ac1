import { type Attributes, Model } from '../core/model.ts';
import type { OpaqueData } from './opaque-data.ts';

/** INIT -> FETCHING -> RESOLVED, or an `ERROR_...`; REUPLOADING while the phone uploads expired media again. */
export type MediaStage = 'INIT' | 'FETCHING' | 'RESOLVED' | 'REUPLOADING' | `ERROR_${string}`;

/** What is known of a file that is sent or received. */
export class MediaData extends Model {
  declare type: string;
  declare mediaStage: MediaStage;
  declare filehash: string | undefined;
  declare mimetype: string | undefined;
  declare size: number | undefined;
  declare filename: string | undefined;
  declare isGif: boolean | undefined;
  declare waveform: Uint8Array | undefined;
  declare mediaBlob: OpaqueData | Blob | undefined;

  /** Without the bytes, and without what only this page can read. */
  override serialize(): Attributes {
    const { mediaBlob: _blob, renderableUrl: _url, mediaStage: _stage, ...rest } = super.serialize();
    return rest;
  }

  /** The library hands it from one media object to another: with the bytes. */
  override toJSON(): Attributes {
    return { ...(this as unknown as Attributes) };
  }
}
