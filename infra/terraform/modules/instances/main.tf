# The machines that run sessions. Slot 1 has instance-1 to instance-N, slot 2 the next N, and so on: which instance is where never depends on what AWS
# starts when, so an instance that comes up on another machine finds the workspaces it had.

locals {
  slots = {
    for slot in range(1, var.machines + 1) :
    tostring(slot) => range((slot - 1) * var.instances_per_machine + 1, slot * var.instances_per_machine + 1)
  }

  # A slot keeps its zone, so that machines are spread evenly; a group of one that may stand anywhere is put where AWS likes.
  all_zones  = sort(keys(var.subnet_ids))
  open_zones = [for zone in local.all_zones : zone if !contains(var.avoided_zones, zone)]
  zones = {
    for slot in keys(local.slots) : slot => (
      contains(var.avoided_zones, local.all_zones[(tonumber(slot) - 1) % length(local.all_zones)])
      ? local.open_zones[(tonumber(slot) - 1) % length(local.open_zones)]
      : local.all_zones[(tonumber(slot) - 1) % length(local.all_zones)]
    )
  }
}

module "slot" {
  source   = "../machine"
  for_each = local.slots

  name             = var.name
  role             = "instance"
  slot             = each.key
  instance_numbers = each.value
  subnet_ids       = [var.subnet_ids[local.zones[each.key]]]

  ami_id                = var.machine.ami_id
  machine_type          = var.machine.machine_type
  disk_gib              = var.machine.disk_gib
  security_group_id     = var.machine.security_group_id
  instance_profile_name = var.machine.instance_profile_name
  parameter             = var.machine.parameter
  packages              = var.machine.packages
  file_system_id        = var.machine.file_system_id
  access_point_id       = var.machine.access_point_id
  owner_id              = var.machine.owner_id
  drain_seconds         = var.machine.drain_seconds
}
