import type { Group } from '../../protocol/chats.ts';
import { Collection } from '../core/collection.ts';
import { Model } from '../core/model.ts';
import { createWid, type Wid } from '../core/wid.ts';

export class ParticipantModel extends Model {
  declare id: Wid;
  declare isAdmin: boolean;
  declare isSuperAdmin: boolean;
}

export class GroupMetadataModel extends Model {
  declare id: Wid;
  declare subject: string;
  declare desc: string | undefined;
  declare descId: string | undefined;
  declare owner: Wid;
  declare creation: number;
  declare participants: Collection<ParticipantModel>;
  declare membershipApprovalRequests: Collection<ParticipantModel>;
  declare announce: boolean;
  declare restrict: boolean;
  declare isLidAddressingMode: boolean;

  constructor(group: Group) {
    super({
      id: createWid(group.id),
      announce: false,
      restrict: false,
      isLidAddressingMode: false,
      participants: new Collection<ParticipantModel>(ParticipantModel),
      membershipApprovalRequests: new Collection<ParticipantModel>(ParticipantModel),
    });
    this.update(group);
  }

  update(group: Group): void {
    this.participants.reset();
    for (const { id, admin, superAdmin } of group.participants) {
      this.participants.add(
        new ParticipantModel({ id: createWid(id), isAdmin: admin, isSuperAdmin: superAdmin }),
      );
    }
    this.set({
      subject: group.subject,
      desc: group.description,
      owner: createWid(group.owner),
      creation: group.createdAt,
      size: group.participants.length,
    });
  }
}
