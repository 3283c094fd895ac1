output "slots" {
  description = "By slot: its Auto Scaling group, zone, and the ids of its instances."
  value = {
    for slot, numbers in local.slots : slot => {
      group     = module.slot[slot].group_name
      zone      = local.zones[slot]
      instances = [for number in numbers : "instance-${number}"]
    }
  }
}

output "user_data" {
  description = "What each slot's machine is told at its first start, readable: for tests and reviews."
  value       = { for slot, machine in module.slot : slot => machine.user_data }
}
