variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Subnets of the machines, by zone: each gets a mount target."
  type        = map(string)
  nullable    = false
}

variable "security_group_id" {
  description = "Security group of the mount targets."
  type        = string
  nullable    = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the profiles."
  type        = string
  nullable    = false
}

variable "owner_id" {
  description = "User and group id of wharf on every machine. The access point writes as this id, whoever asks."
  type        = number
  nullable    = false

  validation {
    condition     = var.owner_id >= 100 && var.owner_id <= 999
    error_message = "owner_id must be a system user's id, from 100 to 999."
  }
}

variable "throughput" {
  description = "How EFS gives throughput: elastic (paid by the GB), bursting (50 KiB/s for each GiB kept, and credits), or provisioned (with provisioned_mib)."
  type        = string
  default     = "elastic"
  nullable    = false

  validation {
    condition     = contains(["elastic", "bursting", "provisioned"], var.throughput)
    error_message = "throughput must be elastic, bursting or provisioned."
  }
}

variable "provisioned_mib" {
  description = "MiB/s, where throughput is provisioned; else null."
  type        = number
  default     = null

  validation {
    condition     = var.throughput == "provisioned" ? try(var.provisioned_mib >= 1 && var.provisioned_mib <= 3414, false) : var.provisioned_mib == null
    error_message = "provisioned_mib must be given, from 1 to 3414, where throughput is \"provisioned\", and nowhere else."
  }
}

variable "daily_backup" {
  description = "AWS Backup keeps a copy of the file system each day for 35 days, beside Wharf's own backups: of a running fleet it is not of one moment."
  type        = bool
  default     = true
  nullable    = false
}
