import type { Me } from '../../protocol/frames.ts';
import { Model } from '../core/model.ts';
import { createWid, type Wid } from '../core/wid.ts';

/** `WAWebConnModel.Conn`: who is linked, and before that the reference the QR is made of. */
export class ConnModel extends Model {
  declare ref: string | undefined;
  declare wid: Wid | undefined;
  declare pushname: string | undefined;
  declare platform: string;
  declare battery: number | undefined;
  declare plugged: boolean | undefined;

  constructor() {
    super({ ref: undefined, wid: undefined, pushname: undefined, platform: 'android', connected: false });
  }

  canSetMyPushname(): boolean {
    return true;
  }

  setMe(me: Me): void {
    this.set({ wid: createWid(me.wid), pushname: me.pushname, connected: true });
  }
}
