variable "name" {
  description = "Name of the fleet."
  type        = string
  nullable    = false
}

variable "machines" {
  description = "Machines that run sessions, a slot each."
  type        = number
  nullable    = false

  validation {
    condition     = var.machines >= 2 && var.machines <= 64 && floor(var.machines) == var.machines
    error_message = "machines must be a whole number from 2 to 64: with one there is nobody to take over."
  }
}

variable "instances_per_machine" {
  description = "Instances on each machine."
  type        = number
  nullable    = false

  validation {
    condition     = var.instances_per_machine >= 1 && var.instances_per_machine <= 16 && floor(var.instances_per_machine) == var.instances_per_machine
    error_message = "instances_per_machine must be a whole number from 1 to 16."
  }
}

variable "subnet_ids" {
  description = "Private subnets, by zone. Slots take them in turn."
  type        = map(string)
  nullable    = false
}

variable "avoided_zones" {
  description = "Zones whose slots stand elsewhere for now: for when one is lost."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.subnet_ids), var.avoided_zones)) > 0 && length(setsubtract(var.avoided_zones, keys(var.subnet_ids))) == 0
    error_message = "avoided_zones must be some of the network's zones, and not all."
  }
}

variable "machine" {
  description = "What all of its machines have in common; see module machine."
  type = object({
    ami_id                = string
    machine_type          = string
    disk_gib              = number
    security_group_id     = string
    instance_profile_name = string
    parameter             = string
    packages = object({
      bucket           = string
      wharf_key        = string
      wharf_sha256     = string
      efs_utils_key    = string
      efs_utils_sha256 = string
      chromium         = optional(map(string), {})
    })
    file_system_id  = string
    access_point_id = string
    owner_id        = number
    drain_seconds   = number
  })
  nullable = false
}
